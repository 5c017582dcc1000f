import type { Counts } from "./count-job.ts";

/** Counts of each job, by its name. */
export type JobCounts = Readonly<Record<string, Counts>>;

/** Counts are the same at every run: so this is only for what another release of Node compresses a little worse. */
export const TOLERANCE = 0.01;

export interface Difference {
  readonly job: string;
  readonly count: string;
  /** Undefined where it is not among those that were accepted, or was not counted any more. */
  readonly accepted: number | undefined;
  readonly now: number | undefined;
}

/** A count of fewer than a hundred may not rise at all. */
const mayRiseTo = (accepted: number): number => accepted + Math.floor(accepted * TOLERANCE);

/** What has risen, is new or is gone: what someone is to accept. */
export const risen = (accepted: JobCounts, now: JobCounts): readonly Difference[] =>
  differences(accepted, now).filter(
    (one) => one.accepted === undefined || one.now === undefined || one.now > mayRiseTo(one.accepted),
  );

/** What has fallen by as much: a gain, which the next rise would take back unseen. */
export const fallen = (accepted: JobCounts, now: JobCounts): readonly Difference[] =>
  differences(accepted, now).filter(
    (one) => one.accepted !== undefined && one.now !== undefined && mayRiseTo(one.now) < one.accepted,
  );

function differences(accepted: JobCounts, now: JobCounts): readonly Difference[] {
  const names = (one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>) => [
    ...new Set([...Object.keys(one), ...Object.keys(other)]),
  ];
  return names(accepted, now).flatMap((job) => {
    const [before, after] = [accepted[job] ?? {}, now[job] ?? {}];
    return names(before, after)
      .map((count): Difference => ({ job, count, accepted: before[count], now: after[count] }))
      .filter((one) => one.accepted !== one.now);
  });
}

/** One line: `flight delays, 1 shard: DynamoDB puts 125 -> 126 (+0.8 %)`. */
export function differenceLine({ job, count, accepted, now }: Difference): string {
  const figure = (n: number) => n.toLocaleString("en-US");
  if (accepted === undefined) return `${job}: ${count} ${figure(now!)} (new)`;
  if (now === undefined) return `${job}: ${count} ${figure(accepted)} (is not counted any more)`;
  const share =
    accepted === 0 ? "from none" : `${now > accepted ? "+" : ""}${((now / accepted - 1) * 100).toFixed(1)} %`;
  return `${job}: ${count} ${figure(accepted)} -> ${figure(now)} (${share})`;
}
