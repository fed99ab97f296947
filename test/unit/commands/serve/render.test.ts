import { describe, expect, it } from "vitest";
import { renderListening, renderWarnings } from "../../../../src/commands/serve/render.ts";
import type { TlsSettings } from "../../../../src/config/settings.ts";
import type { ListenAddress } from "../../../../src/process/workers/listen-address.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";

const local: ListenAddress = { kind: "tcp", host: "127.0.0.1", port: 5000 };
const everywhere: ListenAddress = { kind: "tcp", host: undefined, port: 5000 };
const TLS: TlsSettings = {
  certificate: "/c.pem",
  key: "/k.pem",
  minimumTls: "TLSv1.2",
  clientCas: [],
  clientAuth: "require-and-verify-client-cert",
  cipherSuites: [],
  letsEncrypt: undefined,
};
const plain = settingsFor("/data", "127.0.0.1:5000");
const settings = { ...plain, http: { ...plain.http, secret: "a random text" } };

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
    expect(renderWarnings({ address: local, settings, state })).toEqual([]);
    const unix: ListenAddress = { kind: "unix", path: "/s" };
    const noState = { folder: undefined, problem: undefined };
    expect(renderWarnings({ address: unix, settings, state: noState })).toEqual([]);
  });

  it("warns of an address that everybody reaches, and of a missing state folder", () => {
    const warnings = renderWarnings({
      address: everywhere,
      settings,
      state: { folder: undefined, problem: "no room" },
    });
    expect(warnings).toEqual([
      expect.stringContaining("no authentication"),
      expect.stringContaining("no room"),
    ]);
  });

  it("does not warn where passwords, tokens or certificates are asked for", () => {
    const htpasswd = { kind: "htpasswd", realm: "a", path: "/p" } as const;
    expect(renderWarnings({ address: everywhere, settings: { ...settings, auth: htpasswd }, state })).toEqual(
      [],
    );
    const tls = { ...TLS, clientCas: ["/ca.pem"], clientAuth: "require-and-verify-client-cert" as const };
    const http = { ...settings.http, tls };
    expect(renderWarnings({ address: everywhere, settings: { ...settings, http }, state })).toEqual([]);
  });

  it("warns of what only looks like it", () => {
    const silly = { kind: "silly", realm: "a", service: "b" } as const;
    expect(renderWarnings({ address: everywhere, settings: { ...settings, auth: silly }, state })).toEqual([
      expect.stringContaining("auth.silly takes any password"),
    ]);
    const tls = { ...TLS, clientCas: ["/ca.pem"], clientAuth: "request-client-cert" as const };
    const http = { ...settings.http, tls };
    expect(renderWarnings({ address: everywhere, settings: { ...settings, http }, state })).toEqual([
      expect.stringContaining("no authentication"),
    ]);
  });

  it("warns where commands cannot speak to it", () => {
    const runtime = { place: undefined, problem: "/run may not be written" };
    expect(renderWarnings({ address: local, settings, state, runtime })).toEqual([
      expect.stringContaining("no control socket (/run may not be written)"),
    ]);
    const place = { folder: "/r", isOwn: true, socket: "/r/s", pidFile: "/r/p" };
    expect(renderWarnings({ address: local, settings, state, runtime: { place } })).toEqual([]);
  });

  it("warns of uploads that nobody could go on with, where their states are asked for", () => {
    const { http } = plain;
    const htpasswd = { kind: "htpasswd", realm: "a", path: "/p" } as const;
    expect(renderWarnings({ address: local, settings: { http, auth: htpasswd }, state })).toEqual([
      expect.stringContaining("http.secret is empty"),
    ]);
    expect(renderWarnings({ address: local, settings: { http, auth: undefined }, state })).toEqual([]);
  });
});
