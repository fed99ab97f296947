import { type ProbeResult, probeWrites } from "../../client/write-probe.ts";
import type { HttpSettings, LoadedConfig } from "../../config/settings.ts";
import { RegistryStateError } from "../../errors.ts";
import type { FoundRegistry } from "../../process/machine/find-registries.ts";
import type { ProbeAuthorization } from "./probe-authorization.ts";

/** Asks at the configured address, and where a registry on this host with the same store listens otherwise. */
export async function probeAll(
  config: LoadedConfig,
  registries: readonly FoundRegistry[],
  authorize: ProbeAuthorization | undefined,
): Promise<ProbeResult> {
  const authorization = await authorize?.();
  const addresses = [
    config.settings.http,
    ...registries.map((found) => (found.usesOurStore ? found.http : undefined)),
  ];
  let result: ProbeResult = { kind: "nobody" };
  for (const http of addresses) {
    if (!http) continue;
    const answer = await probeAddress(http, authorization);
    if (answer.kind === "other") return answer;
    if (answer.kind === "read-only") result = answer;
  }
  return result;
}

async function probeAddress(
  { addr, net, prefix, tls }: HttpSettings,
  authorization: string | undefined,
): Promise<ProbeResult> {
  if (addr === "") return { kind: "other", answer: "by nobody, as http.addr is not set" };
  return probeWrites({ addr, net, prefix, tls: tls !== undefined, authorization });
}

/**
 * A registry with our configuration file and another store: we lack its environment, and would collect the wrong one.
 *
 * @param notice - is told of registries of which nothing is known
 */
export function otherStores(
  registries: readonly FoundRegistry[],
  notice: (text: string) => void,
): RegistryStateError[] {
  const problems: RegistryStateError[] = [];
  for (const { pid, usesOurStore, usesOurConfig } of registries) {
    if (usesOurStore) continue;
    if (usesOurConfig && usesOurStore === false) {
      problems.push(
        new RegistryStateError(
          `the registry with process id ${pid} has the same configuration file, but stores elsewhere`,
          { hint: `its environment says where: give --env-from pid:${pid}` },
        ),
      );
    } else notice(`note: the registry with process id ${pid} is not known to use this store`);
  }
  return problems;
}
