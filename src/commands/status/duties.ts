import { stateOfDuty } from "../../operations/hold/is-due.ts";
import { describeUndo } from "../../operations/service/describe-duty.ts";
import type { DutyReport } from "../../operations/service/status-report.ts";
import { openDuties } from "../../process/duties/open-duties.ts";
import { currentMachine } from "../../process/machine/run-process.ts";

/**
 * @param stateDir - `--state-dir`
 * @param onProblem - is told of what should be such a duty, and cannot be understood or believed
 * @returns what this user has to undo at some time on a store
 */
export function dutiesOf(
  store: string,
  stateDir: string | undefined,
  onProblem: (problem: string) => void,
): DutyReport[] {
  const machine = currentMachine();
  return openDuties(stateDir)
    .list(onProblem)
    .filter(({ duty }) => duty.store === store)
    .map(({ duty }) => {
      const { id, reason, by, madeAt, until } = duty;
      const isDue = stateOfDuty(duty, machine, Date.now()) === "due";
      const what = describeUndo(duty);
      return { id, what, reason, by, madeAt, ...(until === undefined ? {} : { until }), isDue };
    });
}
