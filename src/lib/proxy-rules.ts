import { BlockList, isIP } from "node:net";
import { RegistryCtlError } from "../errors.ts";

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that should name a proxy holds no URL. */
export class ProxyVariableError extends RegistryCtlError {
  override readonly name: string = "ProxyVariableError";
  /** `HTTPS_PROXY` or `HTTP_PROXY`. */
  readonly variable: string;
  constructor(variable: string) {
    super("ERR_PROXY_VARIABLE", `${variable} of the environment is not the URL of a proxy`, {
      hint: `correct ${variable}, such as http://proxy.example:3128, or name the host in NO_PROXY`,
    });
    this.variable = variable;
  }
}

/** Tells whether a proxy may stand between this host and any other. */
export function hasProxy(env: Environment): boolean {
  return variable(env, "HTTPS_PROXY") !== "" || variable(env, "HTTP_PROXY") !== "";
}

/**
 * Says which proxy requests go through, by the rules that the Go registry goes by: a variable for each scheme, in capitals or
 * not; nothing on this host goes through a proxy, nor what NO_PROXY names: `*`, a host with all below it, `.host` for those
 * below it alone, an address, a range of addresses; each but a range with a port or without.
 *
 * @param origin - scheme, host and port of the server
 * @returns the URL of the proxy; undefined if there is none
 * @throws {ProxyVariableError}
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy
 */
export function proxyFor(origin: string, env: Environment): string | undefined {
  const { protocol, hostname, port } = new URL(origin);
  const name = protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = variable(env, name);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (proxy === "" || isThisHost(host)) return undefined;
  const place = { host, port: port || (protocol === "https:" ? "443" : "80") };
  const excepted = variable(env, "NO_PROXY").toLowerCase().split(",");
  if (excepted.some((entry) => matches(entry.trim(), place))) return undefined;
  return proxyUrl(proxy, name);
}

function variable(env: Environment, name: string): string {
  return env[name] || env[name.toLowerCase()] || "";
}

function isThisHost(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function matches(entry: string, place: { host: string; port: string }): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isInRange(entry, place.host);
  const withPort = isIP(entry) === 6 ? null : /^(.+):(\d+)$/.exec(entry);
  if (withPort && withPort[2] !== place.port) return false;
  const name = (withPort?.[1] ?? entry).replace(/^\*\./, ".").replace(/^\[|\]$/g, "");
  if (name.startsWith(".")) return place.host.endsWith(name);
  return name !== "" && (place.host === name || (isIP(name) === 0 && place.host.endsWith(`.${name}`)));
}

function isInRange(range: string, host: string): boolean {
  const [address = "", bits = ""] = range.split("/");
  const family = isIP(address);
  const isRange = family !== 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  if (!isRange || isIP(host) !== family) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(address, Number(bits), type);
  return list.check(host, type);
}

function proxyUrl(text: string, name: string): string {
  const url = text.includes("://") ? text : `http://${text}`;
  if (URL.canParse(url) && /^(?:https?|socks5):$/.test(new URL(url).protocol)) return url;
  throw new ProxyVariableError(name);
}
