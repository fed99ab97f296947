import { type ConfigNode, isNothing, type MapNode, nodeAt } from "./config-tree.ts";
import type { Finding } from "./finding.ts";
import { NOT_DRIVERS } from "./schema/storage-keys.ts";

/**
 * Checks what concerns more than one key: the version, exactly one storage driver, one kind of `auth` at most, and the
 * upload purging that the Go registry wants complete.
 */
export function checkWhole(root: MapNode): Finding[] {
  return [
    ...checkVersion(root),
    ...checkDriver(root),
    ...checkAuth(root),
    ...checkPurging(root),
    ...checkTls(root),
  ];
}

function checkVersion(root: MapNode): Finding[] {
  const version = root.entries.get("version")?.value;
  if (isNothing(version) || version === undefined) {
    return [
      {
        kind: "fatal",
        key: "version",
        message: "version is missing: write version: 0.1",
        origin: root.origin,
      },
    ];
  }
  if (version.kind === "scalar" && version.text === "0.1") return [];
  const actual =
    version.kind === "scalar" ? `, not ${JSON.stringify((version.text ?? "").slice(0, 40))}` : "";
  return [{ kind: "fatal", key: "version", message: `version must be 0.1${actual}`, origin: version.origin }];
}

/** @returns the names under `storage` that the Go registry takes for drivers */
export function driversOf(root: ConfigNode): string[] {
  const storage = nodeAt(root, ["storage"]);
  if (storage?.kind === "scalar") return storage.text === undefined ? [] : [storage.text];
  if (storage?.kind !== "map") return [];
  return [...storage.entries.keys()].filter((name) => !NOT_DRIVERS.has(name));
}

function checkDriver(root: MapNode): Finding[] {
  const drivers = driversOf(root);
  const entry = root.entries.get("storage");
  if (drivers.length === 0) {
    const message = "no storage driver is given: write storage: with filesystem: or another one under it";
    return [{ kind: "fatal", key: "storage", message, origin: entry?.origin ?? root.origin }];
  }
  if (drivers.length === 1 || entry?.value.kind !== "map") return [];
  const origins = drivers.map((name) => nodeEntryOrigin(entry.value, name) ?? entry.origin);
  // A variable is what somebody has to look for; in the file, it is the second one that is too many.
  const origin = origins.find((each) => each.kind === "environment") ?? origins[1] ?? entry.origin;
  const message = `there must be one storage driver, not ${drivers.length}: ${drivers.join(", ")}`;
  return [{ kind: "fatal", key: "storage", message, origin }];
}

/** @returns the kind of access control under `auth`; undefined for none */
export function authKindOf(root: ConfigNode): string | undefined {
  const auth = nodeAt(root, ["auth"]);
  if (auth?.kind === "scalar") return auth.text;
  return auth?.kind === "map" ? auth.entries.keys().next().value : undefined;
}

function checkAuth(root: MapNode): Finding[] {
  const entry = root.entries.get("auth");
  if (entry?.value.kind !== "map") return [];
  if (entry.value.entries.size < 2) return checkToken(entry.value);
  const kinds = [...entry.value.entries.keys()];
  const origin = nodeEntryOrigin(entry.value, kinds[1] ?? "") ?? entry.origin;
  return [
    {
      kind: "fatal",
      key: "auth",
      message: `there must be one kind of auth, not ${kinds.join(", ")}`,
      origin,
    },
  ];
}

/** Without a key to check with no token could be accepted. GitLab's registry only knows the first of the two. */
function checkToken(auth: MapNode): Finding[] {
  const token = auth.entries.get("token");
  const isGiven = (name: string): boolean => {
    const node = token && nodeAt(token.value, [name]);
    return node?.kind === "scalar" && (node.text ?? "") !== "";
  };
  if (token === undefined || isGiven("rootcertbundle") || isGiven("jwks")) return [];
  const message = "auth.token has neither rootcertbundle nor jwks, with which tokens are checked";
  return [{ kind: "fatal", key: "auth.token.rootcertbundle", message, origin: token.origin }];
}

function checkPurging(root: MapNode): Finding[] {
  const node = nodeAt(root, ["storage", "maintenance", "uploadpurging"]);
  if (node?.kind !== "map" || node.entries.size === 0) return [];
  const lacking = ["age", "interval", "dryrun"].filter((name) => !node.entries.has(name));
  const enabled = nodeAt(node, ["enabled"]);
  if (lacking.length === 0 || (enabled?.kind === "scalar" && enabled.text === "false")) return [];
  const key = "storage.maintenance.uploadpurging";
  const message = `${key} lacks ${lacking.join(", ")}, without which the Go registry does not start`;
  return [{ kind: "warning", key, message, origin: node.origin }];
}

function checkTls(root: MapNode): Finding[] {
  const certificate = nodeAt(root, ["http", "tls", "certificate"]);
  const key = nodeAt(root, ["http", "tls", "key"]);
  if (certificate?.kind !== "scalar" || !certificate.text || (key?.kind === "scalar" && key.text)) return [];
  const message = "http.tls has a certificate and no key";
  return [{ kind: "fatal", key: "http.tls.key", message, origin: certificate.origin }];
}

function nodeEntryOrigin(node: ConfigNode, name: string): MapNode["origin"] | undefined {
  return node.kind === "map" ? node.entries.get(name)?.origin : undefined;
}
