import type { ComparableConfig } from "../../config/load-config.ts";
import { parseServiceSpec } from "../../config/service-spec.ts";
import { storeName } from "../../config/store-name.ts";
import type { Service } from "../../control/service.ts";
import { RegistryCtlError, RegistryStateError } from "../../errors.ts";
import type { RegistryHost } from "../../operations/service/registry-host.ts";
import { isServing, waitUntilServing } from "../../operations/service/wait-until-serving.ts";
import { type FoundServer, locateServer } from "../../process/control/find-server.ts";
import { serveArguments } from "../../process/control/serve-arguments.ts";
import { locateServerOfConfig } from "../../process/control/server-of-config.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { registryHost } from "../../process/service/host.ts";
import { launchServer } from "../../process/service/launch-server.ts";
import { managerOf } from "../../process/service/manager-of.ts";
import { openService } from "../../process/service/open-service.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import type { CommandContext } from "../context.ts";
import type { CopyFlags } from "./migrate-flags.ts";

/** What is to take a configuration. */
export interface TakeRequest {
  /** Loads the configuration as the file is now. */
  load: () => Promise<ComparableConfig>;
  /** What it was before. */
  before: ComparableConfig;
  service: Service | undefined;
  flags: CopyFlags;
}

const STOP_LOOK_MS = 200;

/**
 * Has whatever runs on this host use what the configuration says now, and waits until it serves with it. A server of ours reads it
 * again, and goes to another store without closing its address; where that cannot be, and for any other registry, it is stopped and started. What does not run stays so.
 *
 * @returns whether a registry runs
 * @throws {ConfigError} if the configuration is wrong
 * @throws {RegistryCtlError} if it does not serve with it
 */
export async function takeConfiguration(context: CommandContext, request: TakeRequest): Promise<boolean> {
  const { before, service, flags } = request;
  const after = await request.load();
  // What has begun here is not broken off: the registry would be left in between.
  const { signal } = new AbortController();
  const host = registryHost(after, { flags, service, signal });
  // It may work on either store by now.
  const server =
    (await locateServer(before, flags)) ??
    (await locateServer(after, flags)) ??
    (await locateServerOfConfig(after, flags));
  if (server !== undefined) {
    await takeOurs(context, server, { host, after, service, flags });
    return true;
  }
  const runs =
    (await service?.isRunning()) ?? ((await host.probe()).kind !== "nobody" && service !== undefined);
  if (!runs || service === undefined) return false;
  await service.restart();
  await waitUntilServing(host, { timeoutMs: flags.timeout });
  await requireStore(after);
  return true;
}

interface Taking {
  host: RegistryHost;
  after: ComparableConfig;
  service: Service | undefined;
  flags: CopyFlags;
}

async function takeOurs(context: CommandContext, server: FoundServer, taking: Taking): Promise<void> {
  const { host, after, flags } = taking;
  const { control } = server;
  const preview = await control.previewReload();
  const isStorePending = preview.pending.some((key) => key === "storage" || key.startsWith("storage."));
  const needsStart = isStorePending || preview.refused !== undefined;
  if (needsStart) await startAnew(context, server, taking);
  else {
    if (preview.changed.length > 0) await control.reload();
    await waitUntilListening(server, flags.timeout);
  }
  const now = needsStart ? await host.findControl() : control;
  const { store } = (await now?.status()) ?? {};
  const wanted = storeName(after.settings.storage);
  if (store === wanted) return;
  throw new RegistryCtlError(
    "ERR_SWITCH",
    `the server stores in ${store ?? "an unknown place"}, and not in ${wanted}`,
    {
      hint: "its environment may decide over the file: give --env-from",
    },
  );
}

async function waitUntilListening({ control }: FoundServer, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!isServing(await control.status())) {
    if (performance.now() >= deadlineMs)
      throw new RegistryCtlError("ERR_SWITCH", "the server's workers do not listen");
    await pause();
  }
}

async function startAnew(
  context: CommandContext,
  { control, record }: FoundServer,
  { host, after, service, flags }: Taking,
): Promise<void> {
  const pid = record?.pid ?? (await control.status()).pid;
  const manager = service === undefined ? await managerOf(pid) : undefined;
  const runner = service ?? (manager === undefined ? undefined : openService(parseServiceSpec(manager)));
  if (runner !== undefined) await runner.restart();
  else {
    const started = serveArguments(pid) ?? { args: ["serve", fileOf(after)], cwd: context.cwd };
    await control.stop();
    const deadlineMs = performance.now() + flags.timeout;
    while (host.isAlive(pid)) {
      if (performance.now() >= deadlineMs) {
        throw new RegistryCtlError(
          "ERR_STILL_RUNNING",
          `process ${pid} has been asked to stop, and is still there`,
        );
      }
      await pause();
    }
    const state = prepareState(after.settings.storage, flags.stateDir, await registryUserOf(after));
    const stateFolder = state.folder ?? context.cwd;
    launchServer({ ...started, stateFolder }).letGo();
  }
  await waitUntilServing(host, { timeoutMs: flags.timeout });
}

/** A registry that is not ours does not say where it stores; its environment does. */
async function requireStore(after: ComparableConfig): Promise<void> {
  const other = (await findRegistries(after)).find(
    ({ usesOurConfig, usesOurStore }) => usesOurConfig && usesOurStore === false,
  );
  if (other === undefined) return;
  throw new RegistryStateError(
    `the registry with process id ${other.pid} has the same configuration file, but stores elsewhere`,
    { hint: `its environment says where: give --env-from pid:${other.pid}` },
  );
}

function fileOf({ source }: ComparableConfig): string {
  return source.kind === "file" ? source.path : "";
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, STOP_LOOK_MS));
}
