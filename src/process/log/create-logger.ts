import { Writable } from "node:stream";
import type { Logger as WinstonLogger } from "winston";
import type { LogSettings } from "../../config/settings.ts";
import type { Logger } from "../../lib/logger.ts";
import { formatLogRecord } from "./log-format.ts";

const LEVELS = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 } as const;

/** A log whose settings may change while it is written. */
export interface ConfigurableLogger extends Logger {
  /** Also for what {@link Logger.child} has made. */
  configure(settings: LogSettings): void;
}

/**
 * Makes the structured log. winston is loaded here, so only where something is logged.
 *
 * @param writeLine - takes each line, without newline
 */
export async function createLogger(
  settings: LogSettings,
  writeLine: (line: string) => void,
): Promise<ConfigurableLogger> {
  const { default: winston } = await import("winston");
  let current = settings;
  const line = winston.format((info) => {
    const { level, message, fields } = info;
    const text = formatLogRecord(
      {
        time: new Date(),
        level: isLevel(level) ? level : "info",
        message: String(message),
        fields: isRecord(fields) ? { ...current.fields, ...fields } : current.fields,
      },
      current.formatter,
    );
    info[MESSAGE] = text;
    return info;
  });
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      writeLine(String(chunk).trimEnd());
      done();
    },
  });
  const logger = winston.createLogger({
    levels: LEVELS,
    level: settings.level,
    format: line(),
    transports: [new winston.transports.Stream({ stream, eol: "\n" })],
  });
  return {
    ...wrap(logger, () => LEVELS[current.level], {}),
    configure: (next) => {
      current = next;
      logger.level = next.level;
    },
  };
}

/** Where winston's transports look for the finished line. @see https://github.com/winstonjs/triple-beam */
const MESSAGE = Symbol.for("message");

/** @param mostTold - gives the number of the lowest level that is written: winston would format the others too */
function wrap(logger: WinstonLogger, mostTold: () => number, own: Record<string, unknown>): Logger {
  const log = (level: keyof typeof LEVELS) => (message: string, fields?: Record<string, unknown>) => {
    if (LEVELS[level] > mostTold()) return;
    logger.log({ level, message, fields: fields === undefined ? own : { ...own, ...fields } });
  };
  return {
    error: log("error"),
    warn: log("warn"),
    info: log("info"),
    debug: log("debug"),
    trace: log("trace"),
    child: (fields) => wrap(logger, mostTold, { ...own, ...fields }),
  };
}

function isLevel(level: string): level is keyof typeof LEVELS {
  return Object.hasOwn(LEVELS, level);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
