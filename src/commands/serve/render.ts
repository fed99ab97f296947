import type { Settings } from "../../config/settings.ts";
import type { PreparedRuntime } from "../../process/control/prepare-runtime.ts";
import type { PreparedState } from "../../process/state/prepare-state.ts";
import {
  describeListenAddress,
  isLocalOnly,
  type ListenAddress,
} from "../../process/workers/listen-address.ts";

/** What is told when the server listens. */
export interface ListeningNotice {
  address: ListenAddress;
  settings: Settings;
  workers: number;
  /** There was no configuration file: the reader may be new here. */
  embedded: boolean;
}

/** @returns the lines that say where the registry is, and for a newcomer what to try */
export function renderListening({ address, settings, workers, embedded }: ListeningNotice): string {
  const where = describeListenAddress(address, settings.http);
  const lines = [`listening on ${where} with ${workers} ${workers === 1 ? "process" : "worker processes"}`];
  if (settings.readOnly) lines.push("read-only: pushes and deletes are refused");
  if (embedded && address.kind === "tcp") {
    const host = `${address.host ?? "127.0.0.1"}:${address.port}`;
    lines.push(
      "",
      "Try:",
      `  skopeo copy --all --dest-tls-verify=false docker://docker.io/library/alpine docker://${host}/alpine`,
      `  docker tag alpine ${host}/alpine && docker push ${host}/alpine`,
      "",
    );
  }
  return lines.join("\n");
}

/** What is warned of when the server listens. */
export interface ServeWarnings {
  address: ListenAddress;
  settings: Pick<Settings, "auth" | "http">;
  state: PreparedState;
  /** Undefined: it can be spoken to. */
  runtime?: PreparedRuntime;
}

/** @returns what the operator should know of the place where it listens, of uploads and of the state folder, a line each */
export function renderWarnings({ address, settings, state, runtime }: ServeWarnings): string[] {
  const warnings: string[] = [];
  const hole = isLocalOnly(address) ? undefined : wayIn(settings);
  if (hole !== undefined) {
    warnings.push(`everybody who can reach this address can push, pull and delete: ${hole}`);
  }
  if (settings.auth !== undefined && settings.http.secret === "") {
    warnings.push(
      "http.secret is empty: with authentication, uploads under way end with a restart, and at another node; give it a random text",
    );
  }
  if (state.folder === undefined && state.problem !== undefined) {
    warnings.push(
      `no state folder (${state.problem}): what clients were promised is forgotten when the server ends; give --state-dir`,
    );
  }
  if (runtime !== undefined && runtime.place === undefined) {
    warnings.push(
      `no control socket (${runtime.problem}): commands cannot speak to this server; give --control-socket`,
    );
  }
  return warnings;
}

/** @returns why a stranger is let in; undefined if none is */
function wayIn({ auth, http }: ServeWarnings["settings"]): string | undefined {
  const asksForCertificates =
    http.tls !== undefined &&
    http.tls.clientCas.length > 0 &&
    http.tls.clientAuth === "require-and-verify-client-cert";
  if (asksForCertificates) return undefined;
  if (auth === undefined) return "there is no authentication";
  return auth.kind === "silly" ? "auth.silly takes any password" : undefined;
}

/** @returns why `--workers` was not followed */
export function renderOneWorker(): string {
  return "a store in memory is served by one process: --workers is not followed";
}
