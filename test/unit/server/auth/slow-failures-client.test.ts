import { describe, expect, it } from "vitest";
import { clientKeyOf } from "../../../../src/server/auth/slow-failures-client.ts";

describe("clientKeyOf", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::2", "0:0:0:0::/64"],
    ["1::2:3:4:5:6:7", "1:0:2:3::/64"],
    ["::1:2:3:4:5:6:7", "0:1:2:3::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("knows %s as %s", (address, key) => {
    expect(clientKeyOf(address, undefined)).toBe(key);
  });

  it("takes all addresses of one IPv6 network for one client, and two networks for two", () => {
    expect(clientKeyOf("2001:db8:1:2:aaaa::1", undefined)).toBe(
      clientKeyOf("2001:db8:1:2:bbbb::2", undefined),
    );
    expect(clientKeyOf("2001:db8:1:2::1", undefined)).not.toBe(clientKeyOf("2001:db8:1:3::1", undefined));
  });

  it.each(["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])(
    "believes a proxy at %j: its own, last address",
    (proxy) => {
      expect(clientKeyOf(proxy, "198.51.100.1, 203.0.113.7")).toBe("203.0.113.7");
      expect(clientKeyOf(proxy, "203.0.113.7:4711")).toBe("203.0.113.7");
      expect(clientKeyOf(proxy, "2001:db8:1:2::5")).toBe("2001:db8:1:2::/64");
      expect(clientKeyOf(proxy, "[2001:db8:1:2::5]:4711")).toBe("2001:db8:1:2::/64");
    },
  );

  it("does not believe anybody else, who could name another client with each guess", () => {
    expect(clientKeyOf("10.0.0.5", "203.0.113.7")).toBe("10.0.0.5");
    expect(clientKeyOf("203.0.113.9", "127.0.0.1")).toBe("203.0.113.9");
  });

  it.each(["", "unknown", "203.0.113.7, ", "a".repeat(9_000), "1.2.3.4.5"])(
    "is not misled by %j",
    (header) => {
      expect(clientKeyOf("127.0.0.1", header)).toBe("127.0.0.1");
    },
  );
});
