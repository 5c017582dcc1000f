/** What CloudWatch says of an alarm. */
export type AlarmState = "ALARM" | "OK";

/** When an alarm is raised. */
export interface AlarmRule {
  /** Whether a datapoint is on the wrong side of the threshold. */
  readonly breaches: (value: number) => boolean;
  /** N of "M of N". */
  readonly evaluationPeriods: number;
  /** M of "M of N". */
  readonly datapointsToAlarm: number;
  /** What a period without data counts as. */
  readonly missing: "breaching" | "notBreaching";
}

/**
 * How far back CloudWatch looks: further than the periods that it judges, so that a datapoint that is missing can be
 * made good by an earlier one. How far it does not say; in its examples it is two.
 */
export const evaluationRange = ({ evaluationPeriods }: Pick<AlarmRule, "evaluationPeriods">): number =>
  evaluationPeriods + 2;

/**
 * The state that datapoints lead to, as "Configuring how CloudWatch alarms treat missing data" has it: enough real ones
 * are judged alone, the newest of them; else all real ones, and as few missing ones as fill the periods.
 *
 * @param datapoints one a period of the evaluation range, the oldest first; nothing for a period without data
 */
export function alarmState(datapoints: readonly (number | undefined)[], rule: AlarmRule): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, breaches, missing } = rule;
  const real = datapoints.filter((value) => value !== undefined);
  const judged = real.slice(-evaluationPeriods);
  const filled = missing === "breaching" ? evaluationPeriods - judged.length : 0;
  return judged.filter(breaches).length + filled >= datapointsToAlarm ? "ALARM" : "OK";
}
