import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { findFreePort } from "./free-port.ts";
import { programPath } from "./programs.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "./test-certificate.ts";

/** A running ACME authority, for which every name leads to 127.0.0.1. */
export interface AcmeAuthority {
  directoryUrl: string;
  /** PEM file by which a client trusts the authority's own HTTPS. */
  trustFile: string;
  /** Certificate of the root of what it issues, in PEM form. */
  root(): Promise<string>;
  /** How many orders it was given. */
  orders(): number;
  /** What it has written so far. */
  log(): string;
  stop(): Promise<void>;
}

/**
 * Starts Let's Encrypt's own test authority on loopback.
 *
 * @param proofPort - at which it asks for proofs: the registry's
 * @param validSeconds - how long its certificates are valid
 */
export async function startAcmeAuthority(
  folder: string,
  { proofPort, validSeconds }: { proofPort: number; validSeconds: number },
): Promise<AcmeAuthority> {
  const [port, management, dns, dnsManagement] = await freePorts(4);
  const trustFile = join(folder, "acme-trust.pem");
  const keyFile = join(folder, "acme-key.pem");
  const configFile = join(folder, "pebble.json");
  await writeFile(trustFile, TEST_CERTIFICATE);
  await writeFile(keyFile, TEST_KEY, { mode: 0o600 });
  await writeFile(
    configFile,
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: trustFile,
        privateKey: keyFile,
        httpPort: await findFreePort(),
        tlsPort: proofPort,
        ocspResponderURL: "",
        externalAccountBindingRequired: false,
        certificateValidityPeriod: validSeconds,
      },
    }),
  );
  const output = { text: "" };
  const names = start(output, "pebble-challtestsrv", [
    ...["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""],
    ...["-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManagement}`],
  ]);
  const authority = start(output, "pebble", ["-config", configFile, "-dnsserver", `127.0.0.1:${dns}`]);
  const stop = async (): Promise<void> => {
    await Promise.all([names, authority].map(end));
  };
  const directoryUrl = `https://127.0.0.1:${port}/dir`;
  try {
    await waitUntil(() => fetchText(directoryUrl).then(Boolean, () => false));
  } catch (error) {
    await stop();
    throw new Error(`pebble does not answer: ${output.text}`, { cause: error });
  }
  return {
    directoryUrl,
    trustFile,
    root: () => fetchText(`https://127.0.0.1:${management}/roots/0`),
    orders: () => output.text.match(/Added order/g)?.length ?? 0,
    log: () => output.text,
    stop,
  };
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await findFreePort());
  return [...ports];
}

function start(
  output: { text: string },
  name: "pebble" | "pebble-challtestsrv",
  args: string[],
): ChildProcess {
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1" };
  const child = spawn(programPath(name), args, { env, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output.text += text;
    });
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

async function waitUntil(isThere: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (await isThere()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("not within 20 seconds");
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(text));
    });
    asking.on("error", reject);
  });
}
