import { type DutyHands, endDuty } from "../../operations/hold/end-duty.ts";
import { askAddresses } from "../../operations/readonly/ask-addresses.ts";
import { dutyHands } from "../../process/duties/duty-hands.ts";
import type { Duties, KeptDuty } from "../../state/duties.ts";

/**
 * Undoes what a duty names, and forgets it.
 *
 * @returns what was done, for people; undefined if somebody else has ended it meanwhile
 * @throws {RegistryCtlError} if it could not be undone; it is kept then
 */
export async function endKeptDuty(
  duties: Duties,
  { file }: KeptDuty,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const duty = duties.read(file);
  if (duty === undefined) return undefined;
  const hands: DutyHands = { ...dutyHands, ask: askAddresses(duty.place.addresses, undefined), signal };
  const done = await endDuty(duty, hands);
  duties.remove(file);
  return done;
}
