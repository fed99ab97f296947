import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Order } from "acme-client";
import type { LetsEncryptSettings } from "../../config/settings.ts";
import type { CertificateCache } from "./certificate-cache.ts";

const REQUEST_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const FIRST_LOOK_MS = 500;
const MAX_LOOK_MS = 10_000;
/** Of an order, from its making to its end. */
const ORDER_MS = 5 * 60_000;

/** An order that did not come to a certificate. */
export class OrderError extends Error {
  override readonly name = "OrderError";
  /** The authority was asked for something, and may count it. */
  readonly reached: boolean;

  constructor(message: string, options: { cause: unknown; reached: boolean }) {
    super(message, options);
    this.reached = options.reached;
  }
}

/**
 * Orders one certificate for all hosts, proves by TLS-ALPN-01 that this server is reached by their names, and takes it.
 * The terms of the authority are agreed to, as the Go registry does.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8555#section-7.1
 * @returns chain and key, in PEM form
 * @throws {OrderError} with the authority's reason
 */
export async function obtainCertificate(
  settings: LetsEncryptSettings,
  cache: CertificateCache,
  signal: AbortSignal,
): Promise<string> {
  let reached = false;
  try {
    const { axios, Client, crypto } = await import("acme-client");
    Object.assign(axios.defaults, { signal, timeout: REQUEST_MS, maxContentLength: MAX_ANSWER_BYTES });
    // They try again, for hours if the authority says so, and lose the reason why it cannot be reached. Tries are put
    // off by a policy of ours, which knows of restarts.
    axios.interceptors.request.clear();
    axios.interceptors.response.clear();
    const makeKey = async (): Promise<string> => (await crypto.createPrivateEcdsaKey()).toString();
    const accountKey = await cache.accountKey(makeKey);
    const client = new Client({ directoryUrl: settings.directoryUrl, accountKey });
    await client.getTermsOfServiceUrl();
    reached = true;
    const contact = settings.email === "" ? {} : { contact: [`mailto:${settings.email}`] };
    await client.createAccount({ termsOfServiceAgreed: true, ...contact });
    const identifiers = settings.hosts.map((value) => ({ type: "dns", value }));
    const order = await client.createOrder({ identifiers });
    await answerChallenges(client, order, cache, signal);
    const ready = await until(client, order, ["ready", "valid"], signal);
    const key = await makeKey();
    const [, request] = await crypto.createCsr({ altNames: settings.hosts }, key);
    const finalized = ready.status === "ready" ? await client.finalizeOrder(ready, request) : ready;
    const valid = await until(client, finalized, ["valid"], signal);
    return `${key.trim()}\n${(await client.getCertificate(valid)).trim()}\n`;
  } catch (cause) {
    throw new OrderError(reasonOf(cause), { cause, reached });
  } finally {
    cache.removeChallenges();
  }
}

async function answerChallenges(
  client: Client,
  order: Order,
  cache: CertificateCache,
  signal: AbortSignal,
): Promise<void> {
  const { crypto } = await import("acme-client");
  for (const authorization of await client.getAuthorizations(order)) {
    signal.throwIfAborted();
    if (authorization.status === "valid") continue;
    const host = authorization.identifier.value;
    // The library's types do not know of this kind, its code does.
    const challenge = authorization.challenges.find(({ type }: { type: string }) => type === "tls-alpn-01");
    if (challenge === undefined) throw new Error(`the authority offers no tls-alpn-01 for ${host}`);
    const proof = await client.getChallengeKeyAuthorization(challenge);
    const key = await crypto.createPrivateEcdsaKey();
    const [, certificate] = await crypto.createAlpnCertificate(authorization, proof, key);
    cache.writeChallenge(host, `${key.toString().trim()}\n${certificate.toString().trim()}\n`);
    await client.completeChallenge(challenge);
  }
}

/** Asks for the order, less and less often, until it has one of the states. */
async function until(
  client: Client,
  order: Order,
  states: readonly string[],
  signal: AbortSignal,
): Promise<Order> {
  const deadline = performance.now() + ORDER_MS;
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, MAX_LOOK_MS)) {
    const current = await client.getOrder(order);
    if (states.includes(current.status)) return current;
    if (current.status === "invalid") throw new Error(await whyInvalid(client, current));
    if (performance.now() > deadline) throw new Error(`the order is still ${current.status}`);
    await sleep(waitMs, undefined, { signal });
  }
}

async function whyInvalid(client: Client, order: Order): Promise<string> {
  const reasons = (await client.getAuthorizations(order)).flatMap(({ identifier, challenges }) =>
    challenges.flatMap((challenge) => {
      const detail = detailOf("error" in challenge ? challenge.error : undefined);
      return detail === undefined ? [] : [`${identifier.value}: ${detail}`];
    }),
  );
  return reasons.join("; ") || "the authority refuses the order";
}

function detailOf(problem: unknown): string | undefined {
  return typeof problem === "object" && problem !== null && "detail" in problem
    ? String(problem.detail)
    : undefined;
}

/** An error of several addresses that were tried has no message of its own. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  return "code" in error ? String(error.code) : error.name;
}
