import { StorageUnavailableError } from "../../errors.ts";
import { type Environment, proxyFor as findProxy, ProxyVariableError } from "../../lib/proxy-rules.ts";

/**
 * @param origin - scheme, host and port of the store
 * @returns the URL of the proxy between this host and the store; undefined if there is none
 * @throws {StorageUnavailableError} if the variable has no URL
 */
export function proxyFor(origin: string, env: Environment): string | undefined {
  try {
    return findProxy(origin, env);
  } catch (cause) {
    if (!(cause instanceof ProxyVariableError)) throw cause;
    throw new StorageUnavailableError(`s3: ${cause.message}`, {
      cause,
      hint: `correct ${cause.variable}, such as http://proxy.example:3128, or name the store in NO_PROXY`,
    });
  }
}
