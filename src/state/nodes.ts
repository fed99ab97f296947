import { PathNotFoundError, StorageFullError } from "../errors.ts";
import { LOCKFILES_ROOT } from "../registry/paths.ts";
import { hasStoreClock } from "../storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../storage/driver.ts";
import { FileTooLargeError } from "../storage/errors.ts";
import { type NodeRecord, parseNodeRecord } from "./node-record.ts";
import type { LockHolder } from "./store-lock.ts";

/** Below it each server on the store has a file. No registry and no collector looks at what is in here. */
export const NODES_FOLDER = `${LOCKFILES_ROOT}/registry-ctl.nodes`;
/** A server that has not renewed its file for so long is gone. */
export const NODE_STALE_MS = 10 * 60_000;
/** What we write is far smaller. */
const MAX_BYTES = 64 * 1024;
const SUFFIX = ".json";

/** A server whose file is in the store. */
export interface KnownNode extends NodeRecord {
  /** When it renewed its file, by the store's clock, in milliseconds since 1970. */
  renewedMs: number;
}

/** What tells whether a process of this machine lives. */
export type NodeMachine = Pick<LockHolder, "bootId" | "pidNamespace" | "isAlive">;

/** One's own server, by the id of its {@link NodeRecord} or by its supervisor's process on this machine. */
export interface OwnNode {
  machine: NodeMachine;
  id?: string | undefined;
  pid?: number | undefined;
}

/** @returns the path of a server's file */
export function nodePath(id: string): string {
  return `${NODES_FOLDER}/${id}${SUFFIX}`;
}

/**
 * @returns the servers of ours that use the store now, in the order of their ids: all but those that are known to be dead (on
 *   this machine, in this boot and pid namespace) and those that have told nothing for {@link NODE_STALE_MS}. A
 *   damaged file counts as a server of which nothing is known
 * @throws {StorageUnavailableError}
 */
export async function liveNodes(driver: StorageDriver, machine: NodeMachine): Promise<KnownNode[]> {
  const files = await nodeFiles(driver);
  if (files.length === 0) return [];
  const nowMs = await storeNowMs(driver);
  const nodes: KnownNode[] = [];
  for (const { path, modifiedMs } of files) {
    if (nowMs - modifiedMs > NODE_STALE_MS) continue;
    const node = await readNode(driver, path, modifiedMs);
    if (node && !isDead(node, machine)) nodes.push(node);
  }
  return nodes;
}

/**
 * @returns the servers of ours that use the store now beside one's own; all of them if there is no own one. A server that
 *   starts after this has been called looks at the store's lock and at requests before it takes its first write
 * @throws {StorageUnavailableError}
 */
export async function otherNodes(driver: StorageDriver, own: OwnNode): Promise<KnownNode[]> {
  const { machine, id, pid } = own;
  const isOwn = (node: KnownNode): boolean =>
    node.id === id || (pid !== undefined && node.pid === pid && isOfMachine(node, machine));
  return (await liveNodes(driver, machine)).filter((node) => !isOwn(node));
}

/**
 * Removes the files of servers that are known to be dead, and of those that have told nothing for a day. Whoever finds his
 * file removed writes it again.
 *
 * @param self - the process that asks, which can be none of those that have its number
 * @throws {StorageUnavailableError}
 */
export async function removeDeadNodes(driver: StorageDriver, self: LockHolder): Promise<void> {
  const files = await nodeFiles(driver);
  if (files.length === 0) return;
  const nowMs = await storeNowMs(driver);
  for (const { path, modifiedMs } of files) {
    const node = await readNode(driver, path, modifiedMs);
    const isGone =
      nowMs - modifiedMs > FORGOTTEN_MS ||
      (node !== undefined && (isDead(node, self) || (node.pid === self.pid && isOfMachine(node, self))));
    if (isGone) await deleteFile(driver, path);
  }
}

/** Removes a file; one that is gone already is as good. */
export async function deleteFile(driver: StorageDriver, path: string): Promise<void> {
  try {
    await driver.delete(path);
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
  }
}

const FORGOTTEN_MS = 24 * 3_600_000;

async function nodeFiles(driver: StorageDriver): Promise<FileInfo[]> {
  try {
    const infos = await driver.list(NODES_FOLDER);
    return infos.filter(({ path, isFolder }) => !isFolder && path.endsWith(SUFFIX));
  } catch (error) {
    if (error instanceof PathNotFoundError) return [];
    throw error;
  }
}

async function readNode(
  driver: StorageDriver,
  path: string,
  renewedMs: number,
): Promise<KnownNode | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await driver.get(path, MAX_BYTES);
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    if (!(error instanceof FileTooLargeError)) throw error;
    bytes = new Uint8Array(0);
  }
  const record = parseNodeRecord(bytes);
  return { ...(record ?? unknownNode(path, renewedMs)), renewedMs };
}

function unknownNode(path: string, renewedMs: number): NodeRecord {
  const id = path.slice(NODES_FOLDER.length + 1, -SUFFIX.length);
  return {
    ...{ schemaVersion: 1, id, host: "an unknown host", bootId: "", pidNamespace: "", pid: 0 },
    ...{ address: "", version: "", startedAt: new Date(renewedMs).toISOString(), readOnly: false },
  };
}

function isDead(node: NodeRecord, machine: NodeMachine): boolean {
  return isOfMachine(node, machine) && !machine.isAlive(node.pid);
}

/** Elsewhere, a process id of that server means nothing here. */
function isOfMachine(node: NodeRecord, { bootId, pidNamespace }: NodeMachine): boolean {
  return bootId !== "" && node.bootId === bootId && node.pidNamespace === pidNamespace;
}

/** Where the store does not tell the time, or has no room for the file that it takes, ours. */
async function storeNowMs(driver: StorageDriver): Promise<number> {
  if (!hasStoreClock(driver)) return Date.now();
  try {
    return await driver.now();
  } catch (error) {
    if (error instanceof StorageFullError) return Date.now();
    throw error;
  }
}
