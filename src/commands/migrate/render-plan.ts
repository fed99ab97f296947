import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import { formatBytes } from "../../lib/units.ts";
import { PRICE_PER_1000 } from "../../operations/migrate/estimate.ts";
import type { GarbageSaving } from "../../operations/migrate/garbage-savings.ts";
import type { MigrationPlan, PlannedTarget } from "../../operations/migrate/migration-plan.ts";
import { renderAmountsTable } from "./render-amounts.ts";

/** How a missing key is named as an option, where it is one. */
const OPTIONS: Readonly<Record<string, string>> = {
  "the driver": "--to s3 or --to filesystem",
  bucket: "bucket (--bucket)",
  region: "region (--region), or regionendpoint (--endpoint) for a server other than AWS",
  rootdirectory: "rootdirectory (--rootdirectory)",
};

/** @returns what a dry run of a move has found, for people */
export function renderPlan(plan: MigrationPlan): string {
  const { source, garbage, target, problems } = plan;
  const lines = [`source: ${source.store}`];
  if (!source.exists) lines.push("  there is no store: nothing would be copied");
  else {
    lines.push(...renderAmountsTable(source.folders, source));
    lines.push(`  ${countOf(source.manifests, "manifest")}, ${countOf(source.tags, "tag")}`);
    for (const saving of garbage) lines.push(renderSaving(saving));
  }
  lines.push(...renderTarget(target));
  for (const problem of problems) lines.push(`a real run would refuse: ${problem}`);
  lines.push(
    target.speed === undefined
      ? "nothing was changed"
      : `nothing was changed; ${countOf(target.speed.sample.files, "file")} of ours (${formatBytes(target.speed.sample.bytes)}) were written to the target to measure it, and removed`,
  );
  return printable(lines.join("\n"));
}

function renderSaving({ deleteUntagged, manifests, blobs, bytes }: GarbageSaving): string {
  const command = `garbage-collect${deleteUntagged ? " -m" : ""}`;
  if (blobs === 0 && manifests === 0) return `  ${command} first would save nothing`;
  const also = manifests === 0 ? "" : `, ${countOf(manifests, "manifest")}`;
  return `  ${command} first would save ${formatBytes(bytes)} (${countOf(blobs, "blob")}${also})`;
}

function* renderTarget(target: PlannedTarget): Generator<string> {
  const { driver, store, missing, state, exists, speed, time, requests } = target;
  if (missing.length > 0) {
    yield `target: ${driver ?? "not named"}; it lacks ${missing.map((key) => OPTIONS[key] ?? key).join("; ")}`;
    if (driver === "s3") {
      yield "  keys: accesskey and secretkey in --target-config, REGISTRY_CTL_TARGET_ACCESSKEY and REGISTRY_CTL_TARGET_SECRETKEY, files (--access-key-file, --secret-key-file), or what the SDK finds";
    }
    return;
  }
  yield `target: ${store}${state === undefined ? "" : ` (${STATES[state]})`}`;
  if (exists === false)
    yield "  there is no such folder yet, so that nothing was measured; a real run makes it";
  if (speed !== undefined) {
    yield `  measured: ${Math.round(speed.smallPerSecond)} small files a second, ${formatBytes(Math.round(speed.bytesPerSecond))}/s`;
  }
  if (time !== undefined) {
    yield `  the first copy would take from ${formatSpan(time.fromSeconds)} to ${formatSpan(time.toSeconds)}; the registry serves meanwhile`;
  }
  if (requests !== undefined) {
    yield `  requests: some ${requests.writes} that write or list, ${requests.reads} that read: $${requests.dollars.toFixed(2)} by the public list price of AWS S3 Standard ` +
      `($${PRICE_PER_1000.writes} and $${PRICE_PER_1000.reads} per 1,000; traffic and storage not counted)`;
  }
}

const STATES = {
  empty: "no registry in it",
  ours: "this move has begun already",
  foreign: "it has files of a registry that this move has not written",
} as const;
