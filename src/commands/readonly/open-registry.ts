import { resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import type { HeldServer, HoldDependencies } from "../../operations/hold/hold-registry.ts";
import { type AskedAddress, askAddresses } from "../../operations/readonly/ask-addresses.ts";
import { type FoundServer, locateServer } from "../../process/control/find-server.ts";
import { serveArguments } from "../../process/control/serve-arguments.ts";
import { currentDutyHolder, openDuties } from "../../process/duties/open-duties.ts";
import { watchDuty } from "../../process/duties/watch-duty.ts";
import { readConfigFile, replaceConfigFile } from "../../process/files/config-files.ts";
import { currentActor } from "../../process/machine/current-actor.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentUserId } from "../../process/machine/run-process.ts";
import { type ChosenService, chooseService } from "../../process/service/choose-service.ts";
import { probeTargetOf } from "../../process/service/host.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import { describeActor } from "../../state/actor.ts";
import type { DutyAddress } from "../../state/duty.ts";
import type { CommandContext } from "../context.ts";
import { readProbeKey } from "../garbage-collect/probe-authorization.ts";
import { nodeAddresses } from "./node-addresses.ts";
import type { HoldFlags } from "./readonly-flags.ts";

/** The registry of a configuration, with all that is needed to change it. */
export interface OpenedRegistry {
  config: LoadedConfig;
  /** Absolute path; undefined for the embedded configuration. */
  file: string | undefined;
  server: FoundServer | undefined;
  chosen: ChosenService;
  dependencies: HoldDependencies;
  /** Who runs this command, for people. */
  by: string;
}

/**
 * Finds out what runs, how it is spoken to and what starts it. Nothing is changed. To be called before root becomes another
 * user.
 *
 * @throws {UsageError} if `--key` or `--service` is of no use
 * @throws {RegistryStateError} if the control socket may not be used
 */
export async function openRegistry(
  context: CommandContext,
  config: LoadedConfig,
  flags: HoldFlags,
): Promise<OpenedRegistry> {
  const { cwd, env } = context;
  const { settings, source } = config;
  const authorize = await readProbeKey(flags.key, { cwd, auth: settings.auth });
  const server = await locateServer(config, flags);
  const chosen = chooseService(flags, config, context);
  for (const text of chosen.notices) context.notice(text, flags);
  const addresses = await addressesHere(config);
  const file = source.kind === "file" ? resolve(cwd, source.path) : undefined;
  const dependencies: HoldDependencies = {
    server: server && (await heldServer(context, config, flags, server)),
    service: chosen.service,
    ask: askAddresses([...addresses, ...nodeAddresses(chosen.nodes, addresses)], authorize),
    files: { read: readConfigFile, replace: replaceConfigFile },
    store: storeName(settings.storage),
    place: {
      ...(file === undefined ? {} : { config: file }),
      cwd,
      ...(flags.stateDir === undefined ? {} : { stateDir: resolve(cwd, flags.stateDir) }),
      ...(flags.controlSocket === undefined ? {} : { controlSocket: resolve(cwd, flags.controlSocket) }),
      envFrom: flags.envFrom ?? [],
      addresses,
    },
    holder: currentDutyHolder(),
    duties: openDuties(flags.stateDir),
    watch: watchDuty,
    nowMs: Date.now,
  };
  const by = describeActor(currentActor(env, currentUserId()));
  return { config, file, server, chosen, dependencies, by };
}

/** The configured address first, then where else a registry on this host listens that has the same store. */
async function addressesHere(config: LoadedConfig): Promise<DutyAddress[]> {
  const found = await findRegistries(config);
  const others = found.flatMap(({ usesOurStore, http }) => (usesOurStore && http ? [http] : []));
  const all = [
    probeTargetOf(config),
    ...others.map(({ addr, net, prefix, tls }) => ({ addr, net, prefix, tls: tls !== undefined })),
  ];
  const byName = new Map(
    all.map(({ addr, net, prefix, tls }): [string, AskedAddress] => [
      `${net}:${addr}`,
      { addr, net, prefix, tls },
    ]),
  );
  return [...byName.values()];
}

async function heldServer(
  context: CommandContext,
  config: LoadedConfig,
  flags: HoldFlags,
  { control, socket, record }: FoundServer,
): Promise<HeldServer> {
  const { storage } = config.settings;
  const pid = record?.pid ?? (await control.status()).pid;
  const state = prepareState(storage, flags.stateDir, await registryUserOf(config));
  const file = config.source.kind === "file" ? [resolve(context.cwd, config.source.path)] : [];
  const started = serveArguments(pid) ?? { args: ["serve", ...file], cwd: context.cwd };
  const stateFolders = [
    ...new Set([
      ...(state.folder === undefined ? [] : [state.folder]),
      ...stateFoldersOf(storage, flags.stateDir),
    ]),
  ];
  const stateFolder = state.folder ?? stateFolders[0] ?? context.cwd;
  return { control, socket, stateFolders, started: { ...started, stateFolder } };
}
