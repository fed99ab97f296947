import { isDeepStrictEqual } from "node:util";
import type { ComparableConfig } from "../../config/load-config.ts";
import type { Settings } from "../../config/settings.ts";
import type { ChangedKey } from "../../control/protocol.ts";
import { storeIdentity } from "../../state/store-identity.ts";

/** What a server does to follow another configuration. */
export interface ReloadPlan {
  changed: ChangedKey[];
  /** What it works with afterwards: keys that take effect only at a start have their old values. */
  config: ComparableConfig;
  needsWorkers: boolean;
  /** It names another store, which takes more than new workers; and only while nothing is written. */
  changesStore: boolean;
}

/** Keys, and sections of keys, of which running processes can be told. */
const LIVE = [
  "log.level",
  "loglevel",
  "log.formatter",
  "log.fields",
  "storage.maintenance.readonly",
  "storage.maintenance.uploadpurging",
  "gc",
];

/** The listening socket is the supervisor's; how long leases hold, it and the workers must agree on. */
const RESTART = ["http.addr", "http.net", "gc.reviewafter"];

/**
 * Compares a configuration with the one in use.
 *
 * @param current - as the server uses it
 * @param next - as it is written now
 */
export function planReload(current: ComparableConfig, next: ComparableConfig): ReloadPlan {
  const pending = pendingKeys(current.settings, next.settings);
  const settings = withoutPending(current.settings, next.settings, pending);
  const changesStore = !isSameStore(current.settings, settings);
  const storeKeys = changesStore ? storeSections(current.settings, settings) : [];
  const needsWorkers = !isDeepStrictEqual(forWorkers(current.settings), forWorkers(settings));
  const applies = (key: string): ChangedKey["applies"] => {
    if (isBelow(key, pending)) return "restart";
    if (isBelow(key, storeKeys)) return "store";
    return needsWorkers && !isBelow(key, LIVE) ? "workers" : "live";
  };
  const before = new Map(current.values.map((value) => [value.key, value]));
  const after = new Map(next.values.map((value) => [value.key, value]));
  const changed: ChangedKey[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(key), after.get(key)];
    if (from?.fingerprint === to?.fingerprint) continue;
    changed.push({
      key,
      ...(from === undefined ? {} : { from: from.shown }),
      ...(to === undefined ? {} : { to: to.shown }),
      applies: applies(key),
    });
  }
  const isPending = ({ key }: { key: string }): boolean => isBelow(key, pending);
  const values = [...current.values.filter(isPending), ...next.values.filter((value) => !isPending(value))];
  return { changed, config: { ...next, settings, values }, needsWorkers, changesStore };
}

/** @returns the sections of keys that take effect only when the server is stopped and started */
function pendingKeys(current: Settings, next: Settings): string[] {
  const pending = [...RESTART];
  // What is in memory is in this process, and two names of one store are never served at once.
  if (!isSameStore(current, next) && !canGoFrom(current, next)) pending.push(...storeSections(current, next));
  // Whoever sees to the certificate does so for as long as the server runs.
  if (!isDeepStrictEqual(current.http.tls?.letsEncrypt, next.http.tls?.letsEncrypt)) pending.push("http.tls");
  return pending;
}

function isSameStore({ storage: one }: Settings, { storage: other }: Settings): boolean {
  return one.driver === other.driver && storeIdentity(one) === storeIdentity(other);
}

function canGoFrom({ storage: one }: Settings, { storage: other }: Settings): boolean {
  return (
    one.driver !== "inmemory" && other.driver !== "inmemory" && storeIdentity(one) !== storeIdentity(other)
  );
}

function storeSections(current: Settings, next: Settings): string[] {
  return [`storage.${current.storage.driver}`, `storage.${next.storage.driver}`];
}

function withoutPending(current: Settings, next: Settings, pending: readonly string[]): Settings {
  const { addr, net } = current.http;
  const tls = pending.includes("http.tls") ? current.http.tls : next.http.tls;
  const isStoreKept = pending.includes(`storage.${current.storage.driver}`);
  const storage = isStoreKept ? current.storage : next.storage;
  const gc = { ...next.gc, reviewAfterMs: current.gc.reviewAfterMs };
  return { ...next, storage, gc, http: { ...next.http, addr, net, tls } };
}

/** What of the settings workers are told only when they start. */
function forWorkers(settings: Settings): unknown {
  const { uploadPurging: _purging, readOnly: _readOnly, gc: _gc, log, ...rest } = settings;
  return { ...rest, accessLogDisabled: log.accessLogDisabled };
}

function isBelow(key: string, sections: readonly string[]): boolean {
  return sections.some((section) => key === section || key.startsWith(`${section}.`));
}
