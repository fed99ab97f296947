import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "../free-port.ts";
import { type CephSetup, cephConfiguration, cephKeyring } from "./ceph-configuration.ts";
import { type CephProcess, runCeph, startCephProcess } from "./ceph-process.ts";
import { type CephVersion, cephRoot, reasonNotToStart } from "./ceph-versions.ts";

/** What a test must know of a gateway to use it. */
export interface RgwAddress {
  version: CephVersion;
  /** `http://127.0.0.1:port`, for addresses with the bucket in the path. */
  endpoint: string;
  accessKey: string;
  secretKey: string;
}

/** A running cluster with its gateway, which whoever started it must stop. */
export interface Rgw extends RgwAddress {
  /** Ends everything and removes what was stored. Harmless if called again. */
  stop(): Promise<void>;
  /** Lets a bucket hold no more than so many bytes; undefined: as many as there is room for. */
  limitBucket(name: string, maxBytes: number | undefined): Promise<void>;
  /** Kills the gateway alone, as by `kill -9`; everything stored stays. */
  killGateway(): Promise<void>;
  /** Kills all processes. What is in memory is lost: for `bluestore`. */
  killAll(): Promise<void>;
  /** Starts again what has ended, on what is stored and at the same address; resolves when the gateway answers. */
  revive(): Promise<void>;
}

/** How {@link startRgw} sets its cluster up. */
export interface RgwOptions {
  /** A free one by default. */
  port?: number;
  /** `memstore` (the default) is fast and forgets; `bluestore` keeps all on disk. */
  objectStore?: CephSetup["objectStore"];
  /** How much can be stored; 8 by default. Memory or disk is taken only for what is stored. */
  capacityGib?: number;
}

/** The only user's keys; nothing but loopback reaches the gateway. */
const KEYS = { accessKey: "testaccess", secretKey: "testsecret1234567890" } as const;

/** Beside `STANDARD`. */
const STORAGE_CLASSES = ["STANDARD_IA", "GLACIER"] as const;

const START_PATIENCE_MS = 60_000;

/**
 * Starts Ceph's RADOS Gateway, an S3 server that many run, over a cluster of one monitor and one OSD: three processes
 * on loopback, up in some three seconds.
 *
 * @throws {Error} if this release is not on this machine, or with what its processes wrote if it does not start
 */
export async function startRgw(version: CephVersion, options: RgwOptions = {}): Promise<Rgw> {
  const reason = reasonNotToStart(version);
  if (reason !== undefined) throw new Error(reason);
  const root = cephRoot(version);
  await removeLeftovers(root);
  const setup: CephSetup = {
    folder: `/srv/${process.pid}-${randomUUID().slice(0, 8)}`,
    fsid: randomUUID(),
    monitorPort: await findFreePort(),
    gatewayPort: options.port ?? (await findFreePort()),
    objectStore: options.objectStore ?? "memstore",
    capacityGib: options.capacityGib ?? 8,
  };
  const cluster = new Cluster(root, setup);
  try {
    await cluster.make();
  } catch (error) {
    const written = await cluster.lastWords();
    await cluster.remove();
    throw new Error(`Ceph ${version} does not start: ${messageOf(error)}\n${written}`);
  }
  return {
    version,
    endpoint: `http://127.0.0.1:${setup.gatewayPort}`,
    ...KEYS,
    stop: () => cluster.remove(),
    limitBucket: (name, maxBytes) => cluster.limitBucket(name, maxBytes),
    killGateway: () => cluster.end(["radosgw"], "SIGKILL"),
    killAll: () => cluster.end(["radosgw", "osd", "mon"], "SIGKILL"),
    revive: () => cluster.start(),
  };
}

type Role = "mon" | "osd" | "radosgw";

class Cluster {
  readonly #root: string;
  readonly #setup: CephSetup;
  readonly #processes = new Map<Role, CephProcess>();

  constructor(root: string, setup: CephSetup) {
    this.#root = root;
    this.#setup = setup;
  }

  /** Makes monitor and OSD, starts them, makes the user, starts the gateway. */
  async make(): Promise<void> {
    const { folder, fsid, monitorPort } = this.#setup;
    const outside = join(this.#root, folder);
    for (const name of ["mon", "osd", "rgw", "crash"]) await mkdir(join(outside, name), { recursive: true });
    await writeFile(join(outside, "ceph.conf"), cephConfiguration(this.#setup));
    await writeFile(join(outside, "keyring"), cephKeyring());
    const map = `${folder}/monmap`;
    const address = `[v1:127.0.0.1:${monitorPort}]`;
    await this.#run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, map);
    await this.#run("ceph-mon", "-i", "a", "--mkfs", "--monmap", map, "--keyring", `${folder}/keyring`);
    this.#launch("mon");
    const osd = randomUUID();
    await this.#run("ceph", "--connect-timeout", "20", "osd", "new", osd);
    await this.#run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd);
    this.#launch("osd");
    // Waits until the OSD is up, since it has to make pools.
    await this.#admin("user", "create", "--uid=test", "--display-name=test", ...keyFlags());
    for (const name of STORAGE_CLASSES) await this.#addStorageClass(name);
    await this.start();
  }

  /** Starts what is not running. */
  async start(): Promise<void> {
    for (const role of ["mon", "osd", "radosgw"] as const)
      if (this.#processes.get(role)?.hasEnded() ?? true) this.#launch(role);
    await this.#waitForGateway();
  }

  /** Ends some processes. */
  async end(roles: readonly Role[], signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await Promise.all(roles.map((role) => this.#processes.get(role)?.end(signal)));
  }

  /** Ends everything and removes it. Nobody wants the data, so nothing is left the time to write it. */
  async remove(): Promise<void> {
    await this.end(["radosgw", "osd", "mon"], "SIGKILL");
    await rm(join(this.#root, this.#setup.folder), { recursive: true, force: true });
  }

  async limitBucket(name: string, maxBytes: number | undefined): Promise<void> {
    const bucket = ["--quota-scope=bucket", `--bucket=${name}`];
    await this.#admin("quota", "set", ...bucket, `--max-size=${maxBytes ?? -1}`);
    await this.#admin("quota", maxBytes === undefined ? "disable" : "enable", ...bucket);
  }

  /** The ends of what the processes wrote. */
  async lastWords(): Promise<string> {
    const folder = join(this.#root, this.#setup.folder);
    const written = [...this.#processes].map(([role, process]) => `${role}: ${process.output()}`);
    for (const name of await readdir(folder).catch(() => []))
      if (name.endsWith(".log"))
        written.push(`${name}: ${(await readFile(join(folder, name), "utf8")).slice(-1500)}`);
    return written.join("\n");
  }

  #launch(role: Role): void {
    const config = ["-c", `${this.#setup.folder}/ceph.conf`, "-f"];
    const commands: Record<Role, string[]> = {
      mon: ["ceph-mon", "-i", "a", ...config],
      osd: ["ceph-osd", "-i", "0", ...config],
      radosgw: ["radosgw", "-n", "client.rgw.a", ...config],
    };
    this.#processes.set(role, startCephProcess(this.#root, commands[role]));
  }

  /** Any answer will do. @throws {Error} if a process has ended, or none comes in time */
  async #waitForGateway(): Promise<void> {
    for (const deadline = Date.now() + START_PATIENCE_MS; Date.now() < deadline; await sleep(30)) {
      for (const [role, process] of this.#processes)
        if (process.hasEnded()) throw new Error(`${role} has ended`);
      const answer = await fetch(`http://127.0.0.1:${this.#setup.gatewayPort}/`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
    }
    throw new Error(`the gateway does not answer within ${START_PATIENCE_MS / 1000} seconds`);
  }

  async #addStorageClass(name: string): Promise<void> {
    const common = ["placement", "add", "--placement-id=default-placement", `--storage-class=${name}`];
    await this.#admin("zonegroup", ...common, "--rgw-zonegroup=default");
    const pool = "--data-pool=default.rgw.buckets.data";
    await this.#admin("zone", ...common, "--rgw-zone=default", pool);
  }

  #admin(...args: string[]): Promise<string> {
    return this.#run("radosgw-admin", "-n", "client.rgw.a", ...args);
  }

  #run(program: string, ...args: string[]): Promise<string> {
    return runCeph(this.#root, [program, "-c", `${this.#setup.folder}/ceph.conf`, ...args]);
  }
}

/** Clusters whose starter was killed are gone, but their folders are not. */
async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(join(root, "srv"))) {
    const pid = Number(name.split("-")[0]);
    if (Number.isInteger(pid) && pid > 0 && !isAlive(pid))
      await rm(join(root, "srv", name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function keyFlags(): string[] {
  return [`--access-key=${KEYS.accessKey}`, `--secret-key=${KEYS.secretKey}`];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
