import type { Usage } from "../harness/metered.ts";
import type { Departures } from "./data.ts";

/** What one run of an engine came to. */
export interface EngineRun {
  readonly usage: Usage;
  /** Of the processes it cannot do without. */
  readonly beside?: Usage;
  /** Where its rows are: files of one JSON object a line; nothing for what makes none. */
  readonly rows?: readonly string[];
  /** How many events it says that it has read. */
  readonly records?: number;
  /** How many of them it had been given at its mark; "none" of what reads all at once. */
  readonly marked: number | "none" | undefined;
}

/** One row of the comparison. */
export interface Subject {
  readonly name: string;
  readonly about: string;
  /** @param mark after how many events it is to note what it has taken (harness/mark.ts) */
  run(departures: Departures, mark: number): Promise<EngineRun>;
}
