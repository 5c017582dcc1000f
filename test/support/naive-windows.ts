import type { Event, SumRow } from "./events-pipeline.ts";

export interface NaiveAnswer {
  readonly windows: readonly SumRow[];
  readonly late: readonly Event[];
  readonly filtered: number;
}

/** The answer for a drained partition, as one would write it down: no state, no increments. */
export function naiveWindows(
  events: readonly Event[],
  { disorder, lateness, size = 10 }: { disorder: number; lateness: number; size?: number },
): NaiveAnswer {
  const groups = new Map<string, Event[]>();
  const late: Event[] = [];
  events.forEach((event, i) => {
    if (event.value === 0) return;
    const start = Math.floor(event.time / size) * size;
    const watermark = Math.max(...events.slice(0, i).map(({ time }) => time - disorder), Number.NEGATIVE_INFINITY);
    if (start + size + lateness <= watermark) late.push(event);
    else groups.set(`${event.key} ${start}`, [...(groups.get(`${event.key} ${start}`) ?? []), event]);
  });
  const windows = [...groups].map(([group, members]) => {
    const [key, start] = group.split(" ") as [string, string];
    const values = members.map(({ value }) => value);
    const total = values.reduce((a, b) => a + b, 0);
    return {
      key,
      window_start: Number(start),
      window_end: Number(start) + size,
      events: values.length,
      total,
      average: total / values.length,
      least: Math.min(...values),
      most: Math.max(...values),
    };
  });
  return { windows, late, filtered: events.filter(({ value }) => value === 0).length };
}

/** Rows in an order that depends on their content alone. */
export const sorted = <T>(rows: readonly T[]): T[] =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
