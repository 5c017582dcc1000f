import { readFileSync } from "node:fs";

export interface Flight {
  readonly origin: string;
  readonly departedAt: number;
  readonly delay: number;
}

interface Line {
  readonly date: string;
  readonly origin: string;
  readonly delay: number;
}

/** Real flights, in the order of their departure. */
export function flights(most: number): readonly Flight[] {
  const file = new URL("../../../node_modules/vega-datasets/data/flights-20k.json", import.meta.url);
  const lines = JSON.parse(readFileSync(file, "utf8")) as readonly Line[];
  return lines
    .map(({ date, origin, delay }) => ({
      origin,
      delay,
      departedAt: Date.parse(`${date.replaceAll("/", "-").replace(" ", "T")}Z`),
    }))
    .toSorted((a, b) => a.departedAt - b.departedAt)
    .slice(0, most);
}

/** The rows of an hourly window per origin, as texts, in order. */
export function expectedRows(all: readonly Flight[]): readonly string[] {
  const hours = new Map<string, { flights: number; delay: number }>();
  for (const { origin, departedAt, delay } of all) {
    const key = `${origin} ${new Date(departedAt - (departedAt % 3_600_000)).toISOString()}`;
    const hour = hours.get(key) ?? { flights: 0, delay: 0 };
    hours.set(key, { flights: hour.flights + 1, delay: hour.delay + delay });
  }
  return [...hours].map(([key, { flights, delay }]) => `${key} ${flights} ${delay}`).toSorted();
}
