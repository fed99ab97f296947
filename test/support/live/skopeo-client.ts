import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { programPath } from "../programs.ts";
import type { RealImage } from "../real-images.ts";
import { sha256 } from "../registry-http.ts";
import type { LiveLedger } from "./live-ledger.ts";

/** A real client that copies real images of several platforms to one tag, in turn, and back. */
export class SkopeoClient {
  readonly #repository: string;
  readonly #images: readonly RealImage[];
  readonly #ledger: LiveLedger;

  /** @param repository - with host and port */
  constructor(repository: string, images: readonly RealImage[], ledger: LiveLedger) {
    this.#repository = repository;
    this.#images = images;
    this.#ledger = ledger;
  }

  /** Works until the signal is aborted. @returns what the tag is then */
  async run(signal: AbortSignal): Promise<RealImage | undefined> {
    let last: RealImage | undefined;
    for (let round = 0; !signal.aborted; round++) {
      const image = this.#images[round % this.#images.length];
      if (image === undefined) break;
      if (!(await this.#push(image))) continue;
      last = image;
      this.#ledger.counts.pushes++;
      await this.#pull();
    }
    return last;
  }

  /** Copies the tag with all its platforms to a folder. */
  async expectComplete(image: RealImage): Promise<void> {
    if (!(await this.#pull())) throw new Error(`${this.#repository}:latest cannot be pulled`);
    const inspected = await skopeo(["inspect", "--raw", "--tls-verify=false", this.#reference]);
    const digest = sha256(inspected.stdout);
    if (digest !== image.root.digest)
      throw new Error(`${this.#repository}:latest is ${digest}, not ${image.root.digest}`);
  }

  get #reference(): string {
    return `docker://${this.#repository}:latest`;
  }

  /** @returns false if it was refused as it may be */
  async #push({ layout }: RealImage): Promise<boolean> {
    const sentMs = Date.now();
    const copy = ["copy", "--all", "--dest-tls-verify=false", `oci:${layout}:v1`, this.#reference];
    const { exitCode, stderr } = await skopeo(copy);
    if (exitCode === 0) return true;
    if (/405|not allowed|unsupported/i.test(stderr) && this.#ledger.mayRefuse(sentMs)) {
      this.#ledger.counts.refused++;
      await sleep(200);
    } else this.#ledger.fail(`skopeo copy to ${this.#repository}: ${stderr.slice(-500)}`);
    return false;
  }

  async #pull(): Promise<boolean> {
    const folder = await mkdtemp(join(tmpdir(), "registry-ctl-pulled-"));
    try {
      const copy = ["copy", "--all", "--src-tls-verify=false", this.#reference, `dir:${folder}`];
      const { exitCode, stderr } = await skopeo(copy);
      if (exitCode === 0) this.#ledger.counts.pulls++;
      else this.#ledger.fail(`skopeo copy from ${this.#repository}: ${stderr.slice(-500)}`);
      return exitCode === 0;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

function skopeo(
  args: readonly string[],
): Promise<{ exitCode?: number | undefined; stdout: string; stderr: string }> {
  const options = { reject: false, stripFinalNewline: false, timeout: 120_000 } as const;
  return execa(programPath("skopeo"), ["--insecure-policy", ...args], options);
}
