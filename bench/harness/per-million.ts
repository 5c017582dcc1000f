import type { Usage } from "./metered.ts";

/** A run over so many events. */
export interface CountedRun {
  readonly count: number;
  readonly usage: Usage;
  /** Of the processes it cannot do without. */
  readonly beside?: Usage | undefined;
  /** How many of the events it had been given at its mark; nothing for what has none. */
  readonly marked?: number | undefined;
}

/**
 * CPU seconds that a million events take beyond those of a short run: what the long one took after its mark, less what the
 * short one did. So neither figure has the start in it, of which runs differ by as much as a million events take, and what
 * comes after the last event counts in neither. Where there is no mark, it is the difference of the runs.
 *
 * @param name of what was run, for errors
 * @throws Error where only one has a mark, and for what is no figure, as the long run took no more
 */
export function perMillion(name: string, short: CountedRun, long: CountedRun): number {
  if ((short.marked === undefined) !== (long.marked === undefined))
    throw new Error(`Of two runs of ${name} only one has a mark.`);
  const figure = beyond(short, long, ({ usage }) => usage);
  if (figure > 0) return figure;
  throw new Error(
    `${name}: ${long.count} events took no more CPU than ${short.count} (${figure.toFixed(2)} s a million). Measure more of them (--events).`,
  );
}

/** The same of the processes beside, which may have done hardly anything: a broker writes behind. */
export const besidePerMillion = (short: CountedRun, long: CountedRun): number =>
  beyond(short, long, ({ beside }) => beside);

function beyond(short: CountedRun, long: CountedRun, of: (run: CountedRun) => Usage | undefined): number {
  const cpu = (run: CountedRun) => (of(run)?.cpu ?? 0) - (of(run)?.beforeMark ?? 0);
  const events = ({ count, marked = 0 }: CountedRun) => count - marked;
  return ((cpu(long) - cpu(short)) * 1_000_000) / (events(long) - events(short));
}
