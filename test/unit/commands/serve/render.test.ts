import { describe, expect, it } from "vitest";
import { renderListening, renderWarnings } from "../../../../src/commands/serve/render.ts";
import type { ListenAddress } from "../../../../src/process/listen-address.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";

const local: ListenAddress = { kind: "tcp", host: "127.0.0.1", port: 5000 };
const settings = settingsFor("/data", "127.0.0.1:5000");

describe("renderListening", () => {
  it("tells a newcomer what to try, with the address that it has", () => {
    expect(renderListening({ address: local, settings, workers: 2, embedded: true })).toBe(
      [
        "listening on http://127.0.0.1:5000/ with 2 worker processes",
        "",
        "Try:",
        "  skopeo copy --all --dest-tls-verify=false docker://docker.io/library/alpine docker://127.0.0.1:5000/alpine",
        "  docker tag alpine 127.0.0.1:5000/alpine && docker push 127.0.0.1:5000/alpine",
        "",
      ].join("\n"),
    );
  });

  it("is short for whoever has a configuration, and says that it is read-only", () => {
    const readOnly = { ...settings, readOnly: true };
    expect(renderListening({ address: local, settings: readOnly, workers: 1, embedded: false })).toBe(
      "listening on http://127.0.0.1:5000/ with 1 process\nread-only: pushes and deletes are refused",
    );
  });
});

describe("renderWarnings", () => {
  const state = { folder: "/state" };

  it("has none for a registry that only this machine reaches", () => {
    expect(renderWarnings(local, state)).toEqual([]);
    expect(renderWarnings({ kind: "unix", path: "/s" }, { folder: undefined, problem: undefined })).toEqual(
      [],
    );
  });

  it("warns of an address that everybody reaches, and of a missing state folder", () => {
    const warnings = renderWarnings(
      { kind: "tcp", host: undefined, port: 5000 },
      { folder: undefined, problem: "no room" },
    );
    expect(warnings).toEqual([
      expect.stringContaining("no authentication"),
      expect.stringContaining("no room"),
    ]);
  });
});
