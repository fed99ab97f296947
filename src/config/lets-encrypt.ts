import type { FindingKind } from "./finding.ts";
import type { LetsEncryptSettings } from "./settings.ts";

const LETS_ENCRYPT_URL = "https://acme-v02.api.letsencrypt.org/directory";

/** What stands under `http.tls`, as written; empty where there is nothing. */
export interface WrittenLetsEncrypt {
  certificate: string;
  cacheFile: string;
  email: string;
  hosts: readonly string[];
  directoryUrl: string;
}

/** Takes a remark about the key `http.tls.letsencrypt.<name>`. */
export type Say = (kind: FindingKind, name: string, message: string) => void;

/**
 * Makes settings of `http.tls.letsencrypt`. As in the Go registry the cache is what switches it on. What is wrong with the
 * rest is told before anything is ordered.
 */
export function letsEncryptOf(written: WrittenLetsEncrypt, say: Say): LetsEncryptSettings | undefined {
  const { cacheFile, email, hosts } = written;
  if (cacheFile === "") {
    if (hosts.length > 0) say("problem", "hosts", "is of no effect without cachefile");
    return undefined;
  }
  if (written.certificate !== "") say("fatal", "cachefile", "cannot go together with http.tls.certificate");
  if (hosts.length === 0) say("fatal", "cachefile", "needs hosts beside it: names to get a certificate for");
  for (const host of hosts.filter((each) => !isHostName(each))) {
    const shown = JSON.stringify(host.slice(0, 260));
    say("fatal", "hosts", `must have full host names such as registry.example.com, not ${shown}`);
  }
  if (email !== "" && !/^[^\s@,?]+@[^\s@,?]+$/.test(email)) {
    say("fatal", "email", "must be one e-mail address");
  }
  const directoryUrl = written.directoryUrl || LETS_ENCRYPT_URL;
  if (!/^https:\/\//i.test(directoryUrl) || !URL.canParse(directoryUrl)) {
    say("fatal", "directoryurl", `must be a URL such as ${LETS_ENCRYPT_URL}`);
  }
  const names = new Set(hosts.map((host) => host.toLowerCase()));
  return { cacheFolder: cacheFile, email, hosts: [...names], directoryUrl };
}

/** Names that an authority can find by itself. Wildcards need another kind of proof, addresses another kind of name. */
function isHostName(text: string): boolean {
  const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
  return text.length <= 253 && new RegExp(`^(?:${label}\\.)+(?!\\d+$)${label}$`, "i").test(text);
}
