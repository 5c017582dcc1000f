import type { Usage } from "./metered.ts";

/** A run over so many events. */
export interface CountedRun {
  readonly count: number;
  readonly usage: Usage;
  /** Of the processes it cannot do without. */
  readonly beside?: Usage | undefined;
  /** How many of the events it had been given at its mark; "none" of what reads all at once. */
  readonly marked: number | "none" | undefined;
}

/**
 * CPU seconds that a million events take beyond those of a short run: what the long one took after its mark, less what the
 * short one did. So no figure has the start in it, of which runs differ by as much as a million events take, and what comes
 * after the last event counts in none. What is compiled late does. Of what has no mark, it is the difference of the runs.
 *
 * @param name of what was run, for errors
 * @throws Error where a mark was to be made and was not
 */
export function perMillion(name: string, short: CountedRun, long: CountedRun): number {
  for (const { marked, count } of [short, long])
    if (marked !== "none" && !(marked !== undefined && marked <= count))
      throw new Error(`${name} made no mark within ${count} events.`);
  return beyond(short, long, ({ usage }) => usage);
}

/** The same of the processes beside, which may have done hardly anything: a broker writes behind. */
export const besidePerMillion = (short: CountedRun, long: CountedRun): number =>
  beyond(short, long, ({ beside }) => beside);

/**
 * Refuses what is no figure, since a long run took no more than a short one: once all is measured, and all of it at once. To
 * measure only those again would make the rest look dearer.
 *
 * @throws Error that names them
 */
export function checkFigures(
  figures: readonly { readonly name: string; readonly perMillion: readonly number[] }[],
): void {
  const wrong = figures.filter(({ perMillion: all }) => !all.every((figure) => figure > 0)).map(({ name }) => name);
  if (wrong.length === 0) return;
  throw new Error(`More events took no more CPU, in some round: ${wrong.join(", ")}. Measure more of them (--events).`);
}

function beyond(short: CountedRun, long: CountedRun, of: (run: CountedRun) => Usage | undefined): number {
  const cpu = (run: CountedRun) => (of(run)?.cpu ?? 0) - (of(run)?.beforeMark ?? 0);
  const events = ({ count, marked }: CountedRun) => count - (typeof marked === "number" ? marked : 0);
  return ((cpu(long) - cpu(short)) * 1_000_000) / (events(long) - events(short));
}
