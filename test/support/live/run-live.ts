import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { findProgram, programPath } from "../programs.ts";
import { realImages } from "../real-images.ts";
import { runRegistryCtl } from "../run-registry-ctl.ts";
import { startServe } from "../serve-process.ts";
import { LiveClient } from "./live-client.ts";
import { LiveLedger } from "./live-ledger.ts";
import { LiveOperations } from "./live-operations.ts";
import { SkopeoClient } from "./skopeo-client.ts";

/** How long, and where. */
export interface LiveOptions {
  /** Everything goes below it. */
  folder: string;
  durationMs: number;
  /** Of them two are skopeo. */
  clients: number;
}

/** What a lease lasts, in place of a day: garbage is collected while the test runs. */
const LEASE = "8s";

/**
 * Lets clients push and pull without pause while a registry is collected, reconfigured, restarted and made read-only, then
 * looks whether every tag that was acknowledged can be pulled.
 */
export async function runLive({ folder, durationMs, clients }: LiveOptions): Promise<LiveLedger> {
  const rootDirectory = join(folder, "store");
  const env = { XDG_RUNTIME_DIR: join(folder, "run"), XDG_STATE_HOME: join(folder, "state") };
  await mkdir(env.XDG_RUNTIME_DIR, { mode: 0o700 });
  const server = await startServe({
    rootDirectory,
    env,
    moreConfig: `gc:\n  disabled: true\n  reviewafter: ${LEASE}\n`,
  });
  const ledger = new LiveLedger();
  try {
    const { single, threePlatforms } = await realImages();
    const host = new URL(server.url).host;
    const skopeos = [
      new SkopeoClient(`${host}/real/one`, [threePlatforms, single], ledger),
      new SkopeoClient(`${host}/real/two`, [single, threePlatforms], ledger),
    ];
    const own = Array.from(
      { length: clients - skopeos.length },
      (_, index) => new LiveClient(server.url, `live/client-${index}`, ledger),
    );
    await new LiveClient(server.url, "read/steady", ledger).pushOnce();
    const signal = AbortSignal.timeout(durationMs);
    const stateDir = `${rootDirectory}.state`;
    const operations = new LiveOperations({ configPath: server.configPath, stateDir, env }, ledger);
    const [tagged] = await Promise.all([
      Promise.all(skopeos.map((client) => client.run(signal))),
      Promise.all(own.map((client) => client.run(signal))),
      operations.run(signal),
      readManifests(`${server.url}/v2/read/steady/manifests/latest`, durationMs, ledger),
    ]);
    for (const [reference, image] of ledger.tags) {
      const [repository = "", tag = ""] = reference.split(":");
      await new LiveClient(server.url, repository, ledger).expectComplete(tag, image);
    }
    for (const [index, client] of skopeos.entries()) {
      const image = tagged[index];
      if (image) await client.expectComplete(image);
    }
    const verify = await runRegistryCtl(
      ["verify", "--checksum", server.configPath, "--state-dir", stateDir],
      { env },
    );
    if (verify.exitCode !== 0)
      ledger.fail(`verify: ${verify.stdout.slice(-1000)}${verify.stderr.slice(-500)}`);
  } finally {
    await server.stop();
    if (ledger.failures.length > 0)
      ledger.fail(`the server's log ends with ${server.output.stderr.slice(-2000)}`);
  }
  return ledger;
}

/** Reads one manifest without pause by `wrk`, where that is installed. */
async function readManifests(url: string, durationMs: number, ledger: LiveLedger): Promise<void> {
  if (findProgram("wrk") === undefined) return;
  const accept = "Accept: application/vnd.oci.image.index.v1+json";
  const args = ["-t", "1", "-c", "4", "-d", `${Math.ceil(durationMs / 1000)}s`, "-H", accept, url];
  const { stdout } = await execa(programPath("wrk"), args);
  ledger.counts.manifestReads = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  for (const line of stdout.split("\n"))
    if (/Non-2xx|Socket errors/.test(line)) ledger.fail(`wrk: ${line.trim()}`);
}
