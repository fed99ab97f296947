import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { readJournal } from "../../../src/state/read-journal.ts";
import { type ProgramResult, runRegistryCtl } from "../run-registry-ctl.ts";
import type { LiveLedger } from "./live-ledger.ts";

/** The registry that is looked after. */
export interface LiveServer {
  configPath: string;
  stateDir: string;
  env: Record<string, string>;
}

/** What an administrator does meanwhile, again and again, by the program's commands. */
export class LiveOperations {
  readonly #server: LiveServer;
  readonly #ledger: LiveLedger;
  #level = "warn";

  constructor(server: LiveServer, ledger: LiveLedger) {
    this.#server = server;
    this.#ledger = ledger;
  }

  /** Works until the signal is aborted; what has begun is ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { counts } = this.#ledger;
    while (!signal.aborted) {
      await this.#collect();
      await this.#changeConfig();
      if (await this.#succeeds(["reconfigure", "--yes", this.#server.configPath])) counts.reconfigured++;
      if (signal.aborted) break;
      await this.#collect();
      await this.#readOnlyForAMoment();
      if (signal.aborted) break;
      await this.#collect();
      if (await this.#succeeds(["restart", this.#server.configPath])) counts.restarts++;
    }
  }

  async #collect(): Promise<void> {
    const args = [
      "garbage-collect",
      "-m",
      "--mode",
      "online",
      "--grace",
      "0s",
      "--json",
      this.#server.configPath,
    ];
    const result = await this.#succeeds(args);
    if (result === undefined) return;
    const report: unknown = JSON.parse(result.stdout);
    if (!isReport(report)) throw new Error(`garbage-collect said ${result.stdout}`);
    const { counts } = this.#ledger;
    counts.collections++;
    counts.blobsDeleted += report.deleted.blobs;
    counts.manifestsDeleted += report.deleted.manifests;
    if (report.journal === undefined) return;
    const digests: string[] = [];
    await readJournal(report.journal, ({ phase, paths }) => {
      if (phase !== "blobs") return;
      for (const path of paths) {
        const [, algorithm, hex] = /\/blobs\/([^/]+)\/..\/([0-9a-f]+)\/data$/.exec(path) ?? [];
        if (algorithm !== undefined) digests.push(`${algorithm}:${hex}`);
      }
    });
    this.#ledger.deleted(digests);
  }

  async #readOnlyForAMoment(): Promise<void> {
    this.#ledger.openReadOnly();
    try {
      await this.#succeeds(["readonly", "on", "--for", "1m", this.#server.configPath]);
      await sleep(500);
      await this.#succeeds(["readonly", "off", this.#server.configPath]);
    } finally {
      this.#ledger.closeReadOnly();
    }
  }

  /** The log's level is a value that means something and disturbs nobody. */
  async #changeConfig(): Promise<void> {
    const { configPath } = this.#server;
    const text = await readFile(configPath, "utf8");
    const next = this.#level === "warn" ? "error" : "warn";
    await writeFile(configPath, text.replace(`level: ${this.#level}`, `level: ${next}`));
    this.#level = next;
  }

  async #succeeds(args: readonly string[]): Promise<ProgramResult | undefined> {
    const { stateDir, env } = this.#server;
    const result = await runRegistryCtl([...args, "--state-dir", stateDir], { env });
    if (result.exitCode === 0) return result;
    this.#ledger.fail(
      `${args.slice(0, 2).join(" ")} ended with ${result.exitCode}: ${result.stderr.slice(-1000)}`,
    );
    return undefined;
  }
}

interface Report {
  deleted: { blobs: number; manifests: number };
  journal?: string;
}

function isReport(value: unknown): value is Report {
  return typeof value === "object" && value !== null && "deleted" in value;
}
