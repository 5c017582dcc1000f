import { existsSync, renameSync } from "node:fs";
import path from "node:path";
import { say, workDirectory } from "../../harness/work.ts";
import { nexmarkEvents } from "../generator/events.ts";
import { DEFAULTS } from "../generator/settings.ts";
import { writeLines } from "../run/oracle.ts";

/** A file of events, one a line, which everything that is compared reads. */
export interface EventFile {
  readonly count: number;
  readonly file: string;
}

/** So that days end in it, where there are more than 300,000 events. */
const START = Date.UTC(2015, 6, 14, 23, 59, 30);

/** Events so many of which in a row come in another order: within a tenth of a second. */
const DISORDER_GROUP = 1_000;

/** Makes the first events of the published proportions and rate: a prefix of any larger number of them. */
export function eventsIn(count: number): EventFile {
  if (count % DISORDER_GROUP !== 0) throw new RangeError(`${count} events do not end with a group of disorder.`);
  const file = path.join(workDirectory("data"), `nexmark-${count}.ndjson`);
  if (!existsSync(file)) {
    say(`making ${count} events`);
    writeLines(
      `${file}.part`,
      nexmarkEvents({ ...DEFAULTS, start: START, seed: 1, events: count, disorderGroup: DISORDER_GROUP }),
    );
    renameSync(`${file}.part`, file);
  }
  return { count, file };
}

/** How many of the first events are bids. */
export function bidsIn(count: number): number {
  const { person, auction, bid } = DEFAULTS.proportions;
  return (count / (person + auction + bid)) * bid;
}
