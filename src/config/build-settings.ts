import { certificatePath } from "../lib/acme-files.ts";
import { authKindOf, driversOf } from "./check-whole.ts";
import { cipherSuiteProblem, knownCipherSuites } from "./cipher-suites.ts";
import type { ConfigNode, Origin } from "./config-tree.ts";
import type { Finding } from "./finding.ts";
import { collectionSettingsOf } from "./gc-settings.ts";
import { letsEncryptOf } from "./lets-encrypt.ts";
import type { ReadValues } from "./read-values.ts";
import type { ConfigValue } from "./schema/key-types.ts";
import type {
  AuthSettings,
  ClientAuth,
  CollectionSettings,
  HttpSettings,
  LetsEncryptSettings,
  LogSettings,
  Settings,
  TlsSettings,
} from "./settings.ts";
import { storageSettingsOf } from "./storage-settings.ts";

/** Settings, and what only turned up while they were made. */
export interface BuiltSettings {
  settings: Settings;
  findings: Finding[];
  /** What was assumed where the file leaves it open, as lines for people; nothing is wrong. */
  notes: string[];
}

/**
 * Makes settings of typed values and defaults. They mean something only where no finding is fatal and the storage
 * driver exists.
 */
export function buildSettings(root: ConfigNode, read: ReadValues): BuiltSettings {
  const builder = new SettingsBuilder(read);
  const { storage, redirect, uploadPurging, notes } = storageSettingsOf(
    root,
    driversOf(root)[0],
    read.values,
    builder.findings,
  );
  const settings: Settings = {
    log: builder.log(),
    storage,
    deleteEnabled: builder.boolean("storage.delete.enabled", false),
    readOnly: builder.boolean("storage.maintenance.readonly.enabled", false),
    uploadPurging,
    redirect,
    catalogMaxEntries: builder.positive("catalog.maxentries", 1000),
    tagsMaxTags: builder.positive("tags.maxtags", 1000),
    http: builder.http(),
    auth: builder.auth(authKindOf(root)),
    gc: builder.collection(),
  };
  return { settings, findings: builder.findings, notes };
}

/** Timers take no more than 24 days: beyond, they are over at once. */
const LONGEST_DRAIN_MS = 20 * 24 * 3_600_000;

class SettingsBuilder {
  readonly findings: Finding[] = [];
  readonly #values: ReadValues["values"];

  constructor(read: ReadValues) {
    this.#values = read.values;
  }

  #value(path: string): ConfigValue | undefined {
    return this.#values.get(path)?.value;
  }

  #say(kind: Finding["kind"], key: string, message: string): void {
    const origin: Origin = this.#values.get(key)?.origin ?? { kind: "default" };
    this.findings.push({ kind, key, message: `${key} ${message}`, origin });
  }

  boolean(path: string, otherwise: boolean): boolean {
    const value = this.#value(path);
    return typeof value === "boolean" ? value : otherwise;
  }

  text(path: string, otherwise: string): string {
    const value = this.#value(path);
    return typeof value === "string" ? value : otherwise;
  }

  #number(path: string, otherwise: number): number {
    const value = this.#value(path);
    return typeof value === "number" ? value : otherwise;
  }

  /** Zero and less stand for the default. */
  positive(path: string, otherwise: number): number {
    const value = this.#number(path, otherwise);
    return value > 0 ? value : otherwise;
  }

  /** Never negative, which would mean "at once", and never zero unless zero is written: a bare number comes to a fraction of a millisecond. */
  milliseconds(path: string, otherwise: number): number {
    const value = this.#number(path, otherwise);
    if (value >= 0) return Math.ceil(value);
    this.#say("problem", path, "is negative, which leaves no time at all");
    return 1;
  }

  log(): LogSettings {
    const fields = this.#value("log.fields");
    const level = this.text("log.level", "") || this.text("loglevel", "") || "info";
    const formatter = this.text("log.formatter", "") || "text";
    return {
      level: isLevel(level) ? level : "info",
      formatter: formatter === "json" || formatter === "logstash" ? formatter : "text",
      fields: isMapping(fields) ? { ...fields } : {},
      accessLogDisabled: this.boolean("log.accesslog.disabled", false),
    };
  }

  http(): HttpSettings {
    const net = this.text("http.net", "") === "unix" ? "unix" : "tcp";
    return {
      addr: this.#address(net),
      net,
      prefix: this.#prefix(),
      host: this.#host(),
      secret: this.text("http.secret", ""),
      relativeUrls: this.boolean("http.relativeurls", false),
      drainTimeoutMs: Math.min(this.milliseconds("http.draintimeout", 0), LONGEST_DRAIN_MS),
      headers: headersOf(this.#value("http.headers")),
      tls: this.#tls(),
      http2: !this.boolean("http.http2.disabled", false),
      h2c: this.boolean("http.h2c.enabled", false),
    };
  }

  /** @param kind - `none` and unknown kinds, of which a finding tells, have no settings */
  auth(kind: string | undefined): AuthSettings | undefined {
    switch (kind) {
      case "token":
        return {
          kind,
          realm: this.text("auth.token.realm", ""),
          service: this.text("auth.token.service", ""),
          issuer: this.text("auth.token.issuer", ""),
          rootCertBundle: this.text("auth.token.rootcertbundle", ""),
          jwks: this.text("auth.token.jwks", ""),
          signingAlgorithms: this.#texts("auth.token.signingalgorithms"),
          autoRedirect: this.boolean("auth.token.autoredirect", false),
          autoRedirectPath: this.text("auth.token.autoredirectpath", "/auth/token"),
        };
      case "htpasswd":
        return {
          kind,
          realm: this.text("auth.htpasswd.realm", ""),
          path: this.text("auth.htpasswd.path", ""),
        };
      case "silly":
        return {
          kind,
          realm: this.text("auth.silly.realm", ""),
          service: this.text("auth.silly.service", ""),
        };
      default:
        return undefined;
    }
  }

  collection(): CollectionSettings {
    return collectionSettingsOf({
      value: (name) => this.#value(`gc.${name}`),
      say: (kind, name, message) => this.#say(kind, `gc.${name}`, message),
    });
  }

  #texts(path: string): string[] {
    const value = this.#value(path);
    return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
  }

  #address(net: "tcp" | "unix"): string {
    const addr = this.text("http.addr", "");
    if (net === "unix" || addr === "") return addr;
    const port = /^(?:\[[^[\]]*\]|[^:[\]]*):([^:]*)$/.exec(addr)?.[1];
    if (port === undefined) this.#say("fatal", "http.addr", `must be host:port, not ${JSON.stringify(addr)}`);
    else if (/^\d+$/.test(port) && Number(port) > 65_535) {
      this.#say("fatal", "http.addr", `must have a port up to 65535, not ${port}`);
    }
    return addr;
  }

  #prefix(): string {
    const given = this.text("http.prefix", "") || "/";
    const prefix = `/${given}/`.replace(/\/+/g, "/");
    if (prefix !== given) this.#say("warning", "http.prefix", `is taken for ${prefix}: write it so`);
    return prefix;
  }

  #host(): string {
    const host = this.text("http.host", "");
    if (host === "") return host;
    if (/^https?:\/\//i.test(host) && URL.canParse(host)) return host;
    this.#say("problem", "http.host", "must be a URL such as https://registry.example.com; it is left out");
    return "";
  }

  #tls(): TlsSettings | undefined {
    const letsEncrypt = this.#letsEncrypt();
    const certificate =
      letsEncrypt === undefined
        ? this.text("http.tls.certificate", "")
        : certificatePath(letsEncrypt.cacheFolder);
    if (certificate === "") return undefined;
    const minimum = this.text("http.tls.minimumtls", "") || "tls1.2";
    if (minimum === "tls1.0" || minimum === "tls1.1") {
      this.#say("warning", "http.tls.minimumtls", `is raised to tls1.2: ${minimum} is not spoken any more`);
    }
    const minimumTls = minimum === "tls1.3" ? "TLSv1.3" : "TLSv1.2";
    const clientAuth = this.text("http.tls.clientauth", "");
    const clientCas = this.#texts("http.tls.clientcas");
    if (clientAuth !== "" && clientCas.length === 0) {
      const message = "is of no effect without http.tls.clientcas: no client is asked for a certificate";
      this.#say("problem", "http.tls.clientauth", message);
    }
    return {
      certificate,
      key: letsEncrypt === undefined ? this.text("http.tls.key", "") : certificate,
      minimumTls,
      clientCas,
      clientAuth: clientAuthOf(clientAuth),
      cipherSuites: this.#cipherSuites(minimumTls),
      letsEncrypt,
    };
  }

  #letsEncrypt(): LetsEncryptSettings | undefined {
    const key = "http.tls.letsencrypt";
    const written = {
      certificate: this.text("http.tls.certificate", ""),
      cacheFile: this.text(`${key}.cachefile`, ""),
      email: this.text(`${key}.email`, ""),
      hosts: this.#texts(`${key}.hosts`),
      directoryUrl: this.text(`${key}.directoryurl`, ""),
    };
    return letsEncryptOf(written, (kind, name, message) => this.#say(kind, `${key}.${name}`, message));
  }

  /** As in the Go registry nobody looks at the names where TLS 1.2, which alone they are for, is not spoken. */
  #cipherSuites(minimumTls: TlsSettings["minimumTls"]): string[] {
    const key = "http.tls.ciphersuites";
    const names = this.#texts(key);
    if (minimumTls === "TLSv1.3") return names;
    for (const name of names) {
      const problem = cipherSuiteProblem(name);
      if (problem === undefined) continue;
      const known = knownCipherSuites().join(", ");
      this.#say(
        "fatal",
        key,
        `has ${JSON.stringify(name.slice(0, 60))}, which ${problem}; known are ${known}`,
      );
    }
    return names;
  }
}

/** The strictest is the default, as in the Go registry. */
function clientAuthOf(text: string): ClientAuth {
  return text === "verify-client-cert-if-given" ||
    text === "require-any-client-cert" ||
    text === "request-client-cert"
    ? text
    : "require-and-verify-client-cert";
}

function isLevel(level: string): level is LogSettings["level"] {
  return ["error", "warn", "info", "debug", "trace"].includes(level);
}

function isMapping(value: ConfigValue | undefined): value is { [key: string]: ConfigValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function headersOf(value: ConfigValue | undefined): Record<string, string[]> {
  if (!isMapping(value)) return {};
  const lists = Object.entries(value).map(([name, values]): [string, string[]] => [
    name,
    Array.isArray(values) ? values.map((each) => String(each ?? "")) : [],
  ]);
  return Object.fromEntries(lists);
}
