import type { ComparableConfig } from "../../config/load-config.ts";
import type { LoadedConfig, LogLevel, Settings } from "../../config/settings.ts";
import type {
  CollectionEvent,
  CollectionRequest,
  Control,
  NamesHold,
  NamesRequest,
  ReadOnlyAnswer,
  ReadOnlyRequest,
  ReloadAnswer,
  ServerStatus,
  TagSetRequest,
} from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import { Turns } from "../../lib/turns.ts";
import { NamesKeeper } from "./names-keeper.ts";
import { openOtherStore, refusalOfOther, type StoreLeaver } from "./open-other-store.ts";
import { type ReadOnlyHold, ReadOnlyKeeper } from "./read-only-timer.ts";
import { planReload } from "./reload-plan.ts";
import { RunningProgram } from "./running-program.ts";
import type { RunningServerOptions, ServingParts } from "./running-server-options.ts";
import { statusOfServer } from "./server-status.ts";
import type { Collections } from "./server-stores.ts";
import type { ServingHost } from "./serving-host.ts";

/**
 * A server as those see it who look after it: what can be asked of it, done by the processes that serve. What changes
 * something is done one after the other.
 */
export class RunningServer implements Control {
  readonly #options: RunningServerOptions;
  readonly #startedAt = new Date().toISOString();
  readonly #program: RunningProgram;
  readonly #turns = new Turns();
  readonly #readOnly: ReadOnlyKeeper;
  readonly #names: NamesKeeper;
  readonly #host: Promise<ServingHost>;
  #useHost: (host: ServingHost) => void = () => {};
  #collections: Collections | undefined;
  #address = "";
  #config: ComparableConfig;
  /** The one before the last reload. */
  #previous: ComparableConfig | undefined;
  #configuredAt = this.#startedAt;
  #logLevel: LogLevel;

  constructor(options: RunningServerOptions) {
    this.#options = options;
    this.#program = new RunningProgram(options.version, options.readBuild);
    this.#config = options.config;
    this.#logLevel = options.config.settings.log.level;
    this.#host = new Promise((resolve) => {
      this.#useHost = resolve;
    });
    this.#names = new NamesKeeper(
      async (names, drainMs) => (await this.#host).holdNames(names, drainMs),
      options.logger,
    );
    this.#readOnly = new ReadOnlyKeeper({
      stateFolder: options.stateFolder,
      byConfiguration: this.#isReadOnlyBy(options.config.settings),
      logger: options.logger,
      onEnd: () => this.#inBackground(() => this.#readOnly.endIfOver(this.#apply)),
    });
  }

  /** The configuration in use, as it goes to other processes. */
  get plainConfig(): LoadedConfig {
    const { source, settings, warnings, usesMetadataDatabase } = this.#config;
    return { source, settings, warnings, usesMetadataDatabase };
  }

  /** What processes that serve are to be started with. */
  get settings(): Settings {
    return { ...this.#config.settings, readOnly: this.isReadOnly };
  }

  /** Writes are refused, for whatever reason. */
  get isReadOnly(): boolean {
    return this.#readOnly.state.on;
  }

  /** To be called when the processes serve; what is asked for before waits. */
  use({ host, address, collections }: ServingParts): void {
    this.#address = address;
    this.#collections = collections;
    this.#useHost(host);
  }

  /** To be called when the server ends. What was asked for stays kept for the next one. */
  end(): void {
    this.#readOnly.stop();
  }

  async status(): Promise<ServerStatus> {
    const host = await this.#host;
    return statusOfServer({
      ...{ program: this.#program, startedAt: this.#startedAt, config: this.#config },
      ...{ configuredAt: this.#configuredAt, address: this.#address, logLevel: this.#logLevel },
      ...{ readOnly: this.#readOnly, collection: this.#collections?.current },
      ...{ workers: await host.status(), problems: host.problems() },
    });
  }

  async reload(): Promise<ReloadAnswer> {
    return this.#turns.take(async () => {
      const next = await this.#options.reread();
      const answer = await this.#change(next);
      for (const warning of next.warnings) this.#options.logger.warn(warning);
      return answer;
    });
  }

  async previewReload(): Promise<ReloadAnswer> {
    const plan = planReload(this.#config, await this.#options.reread());
    const { changed, needsWorkers, changesStore, config } = plan;
    const refusal = changesStore ? refusalOfOther(this.#leaver, config.settings.storage) : {};
    return { changed, replaced: needsWorkers, pending: pendingOf(changed), ...refusal };
  }

  async undoReload(): Promise<ReloadAnswer> {
    return this.#turns.take(async () => {
      const [before, previous] = [this.#config, this.#previous];
      if (previous === undefined) {
        throw new RegistryStateError(
          "there is no reload that could be undone: nothing was reloaded, or it is undone",
        );
      }
      try {
        return await this.#change(previous);
      } finally {
        // Where it has come to that, there is no way back to what did not work.
        if (this.#config !== before) this.#previous = undefined;
      }
    });
  }

  async restart(): Promise<void> {
    const host = await this.#host;
    await this.#turns.take(async () => {
      const { settings } = this.#config;
      this.#program.requireSame();
      await host.replace(settings);
      this.#useLog(host, settings.log);
    });
  }

  async stop(): Promise<void> {
    this.#options.logger.info("the server was asked to stop");
    // Whoever asks is to be answered.
    setTimeout(this.#options.stop, ANSWER_MS);
  }

  async setReadOnly(request: ReadOnlyRequest): Promise<ReadOnlyAnswer> {
    this.#readOnly.announce(request);
    return this.#turns.take(async () => {
      try {
        return await this.#readOnly.set(request, this.#apply);
      } finally {
        this.#options.onReadOnly();
      }
    });
  }

  /** As {@link RunningServer.hold}, before anybody serves. */
  holdFromStart(hold: ReadOnlyHold | undefined): void {
    this.#readOnly.holdFromStart(hold);
  }

  /**
   * Refuses writes for another reason than those that can be asked for, or does so no more.
   * @param isWanted - asked when its turn has come
   */
  async hold(hold: ReadOnlyHold | undefined, isWanted: () => boolean): Promise<void> {
    await this.#turns.take(async () => {
      if (isWanted()) await this.#readOnly.hold(hold, this.#apply);
    });
    this.#options.onReadOnly();
  }

  holdNames(request: NamesRequest, signal?: AbortSignal): Promise<NamesHold> {
    return this.#turns.take(() => this.#names.hold(request, signal));
  }

  async flushCaches(): Promise<void> {
    await (await this.#host).flushCaches();
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    const host = await this.#host;
    await this.#turns.take(async () => this.#useLog(host, { ...this.#config.settings.log, level }));
  }

  /** Beside everything else: as a push, it takes its turn with others that write. */
  async setTag(request: TagSetRequest): Promise<void> {
    await (await this.#host).setTag(request);
  }

  async collect(request: CollectionRequest, onEvent: (event: CollectionEvent) => void): Promise<void> {
    if (this.#collections === undefined) throw new RegistryStateError("this server cannot collect");
    await this.#collections.collect(request, onEvent);
  }

  async followCollection(onEvent: (event: CollectionEvent) => void): Promise<boolean> {
    return (await this.#collections?.followCollection(onEvent)) ?? false;
  }

  async stopCollection(): Promise<boolean> {
    return (await this.#collections?.stopCollection()) ?? false;
  }

  readonly #apply = async (on: boolean, drainMs: number): Promise<number> => {
    return (await this.#host).setReadOnly(on, drainMs);
  };

  /** New workers first: only they can find that the settings do not work. */
  async #change(next: ComparableConfig): Promise<ReloadAnswer> {
    const host = await this.#host;
    const plan = planReload(this.#config, next);
    const { changed, config, needsWorkers } = plan;
    const { settings } = config;
    const opened = plan.changesStore
      ? await openOtherStore(config, {
          ...{ ...this.#leaver, host, program: this.#program },
          // That nothing is being written is said by each of them once more.
          settle: () => this.#apply(true, RELOAD_DRAIN_MS),
          prepare: () => this.#options.prepare(settings, false),
        })
      : undefined;
    if (needsWorkers && opened === undefined) {
      this.#program.requireSame();
      await this.#options.prepare(settings, true);
      await host.replace(settings);
    }
    const pending = pendingOf(changed);
    // From here on it is in use, whatever else fails.
    if (changed.length > pending.length) this.#previous = this.#config;
    this.#config = config;
    this.#configuredAt = new Date().toISOString();
    this.#useLog(host, settings.log);
    const byConfiguration = this.#isReadOnlyBy(settings);
    const apply = (on: boolean) => this.#apply(on, RELOAD_DRAIN_MS);
    try {
      if (opened === undefined) {
        this.#options.onConfigured(settings);
        await this.#readOnly.configure(byConfiguration, apply);
      } else {
        this.#collections = opened.collections;
        opened.take();
        await this.#readOnly.useStore({ byConfiguration, hold: opened.hold }, apply);
      }
    } finally {
      this.#options.onReadOnly();
    }
    const keys = changed.map(({ key }) => key);
    this.#options.logger.info("the configuration was read again", { changed: keys });
    return { changed, replaced: needsWorkers, pending };
  }

  /** What another store depends on. */
  get #leaver(): StoreLeaver {
    return {
      ...{ from: this.#config.settings.storage, stores: this.#options.stores },
      ...{ readOnly: this.#readOnly, collections: this.#collections },
    };
  }

  #useLog(host: ServingHost, log: Settings["log"]): void {
    this.#logLevel = log.level;
    this.#options.logger.configure(log);
    host.setLog(log);
  }

  #isReadOnlyBy(settings: Settings): boolean {
    return settings.readOnly || this.#options.readOnlyStore;
  }

  #inBackground(work: () => Promise<void>): void {
    this.#turns.take(work).then(this.#options.onReadOnly, (error: unknown) => {
      this.#options.logger.error("the end of read-only could not be done", { error });
    });
  }
}

/** How long writes under way may go on when the configuration says that there are to be none. */
const RELOAD_DRAIN_MS = 30_000;

/** An answer takes less. */
const ANSWER_MS = 50;

function pendingOf(changed: ReloadAnswer["changed"]): string[] {
  return changed.filter(({ applies }) => applies === "restart").map(({ key }) => key);
}
