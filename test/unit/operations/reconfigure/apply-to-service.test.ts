import { describe, expect, it } from "vitest";
import { applyToService } from "../../../../src/operations/reconfigure/apply-to-service.ts";
import { FakeRegistryHost, FakeService } from "../../../support/fake-registry-host.ts";

function world(kept: string | undefined) {
  const host = new FakeRegistryHost();
  const service = new FakeService();
  host.service = service;
  host.probed = { kind: "works" };
  const brought: string[] = [];
  const apply = () =>
    applyToService(host, service, {
      timeoutMs: 3000,
      bringBack: async () => {
        if (kept !== undefined) brought.push(kept);
        return kept;
      },
    });
  return { host, service, brought, apply };
}

describe("applyToService", () => {
  it("restarts the registry and sees that it can be read from", async () => {
    const { service, brought, apply } = world("/f.rejected");
    await apply();
    expect(service.asked).toEqual(["restart"]);
    expect(brought).toEqual([]);
  });

  it("starts it with the configuration from before if it does not serve, and says where the new one is", async () => {
    const { host, service, brought, apply } = world("/f.rejected");
    host.probed = { kind: "nobody" };
    service.onAsked = () => {
      if (brought.length > 0) host.probed = { kind: "works" };
    };
    await expect(apply()).rejects.toMatchObject({
      code: "ERR_RECONFIGURE",
      message: expect.stringContaining("it serves with the old one again"),
      hint: "the new one is kept in /f.rejected",
    });
    expect(service.asked).toEqual(["restart", "restart"]);
  });

  it("says that there is no way back where no earlier configuration is known", async () => {
    const { host, service, apply } = world(undefined);
    host.probed = { kind: "nobody" };
    await expect(apply()).rejects.toThrow("no configuration is known that it has served with");
    expect(service.asked).toEqual(["restart"]);
  });

  it("says so if it serves neither with the new nor with the old one", async () => {
    const { host, apply } = world("/f.rejected");
    host.probed = { kind: "nobody" };
    await expect(apply()).rejects.toThrow("it could not be brought back");
  });
});
