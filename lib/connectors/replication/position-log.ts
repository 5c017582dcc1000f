import type { Delivery } from "../../runtime/sink-writer.ts";
import { parseOutputId, parseTaskName } from "../../state/task-id.ts";
import type { Copied } from "./copy-body.ts";
import { comparePlaces, lineKey, type Line, type PositionTable, type Reached } from "./positions.ts";

/** What a delivery is of. */
export interface CopiedDelivery {
  readonly delivery: Delivery;
  readonly copied: Copied;
}

export interface PositionLogSettings {
  readonly table: PositionTable;
  readonly sink: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /**
   * How far every partition of the other side is, where that can be asked: of those that no copy has reached. Such partitions stay, and
   * a line has all of them; others are split and merged, and it has those that were reached lately.
   */
  readonly ends?: () => Promise<ReadonlyMap<string, string>>;
}

/**
 * Keeps the lines of a sink's tasks. One delivery is of one commit, whose line is put when all of it was taken, and before
 * it counts as delivered: so before anything of the next commit is sent (X5). That is what a line says. A process that was
 * overtaken, and sends a commit again, finds the line there: later positions than those of the next commit's copies are
 * never put.
 */
export class PositionLog {
  readonly #settings: PositionLogSettings;
  /** The last line of each task, as this process knows it. */
  readonly #lines = new Map<string, Line>();

  constructor(settings: PositionLogSettings) {
    this.#settings = settings;
  }

  /** To be called before anything is sent. @param copies all of one commit */
  async begin(copies: readonly CopiedDelivery[]): Promise<Noting> {
    const { table, sink, now, ends } = this.#settings;
    const { task, epoch } = parseOutputId(copies[0]!.delivery.id);
    const { partition } = parseTaskName(task);
    // What was redriven after a split is of another partition: it moves nothing.
    const places = copies.flatMap(({ copied: { place } }) => (place.partition === partition ? [place.sequence] : []));
    const key = lineKey(task, sink);
    let line = this.#lines.get(task);
    // Between a commit and the next nobody else has put one; else only the table knows.
    if (line?.epoch !== epoch - 1) line = await table.last(key);
    if (line === undefined && places.length > 0) {
      const at = now();
      const reached = new Map<string, Reached>();
      for (const [of, position] of (await ends?.()) ?? []) reached.set(of, { position, at });
      // What is below the first record is no copy of this task's, or one that nobody remembers.
      const first: Line = { place: below(places.reduce(least)), epoch: epoch - 1, at, reached };
      line = (await table.put(key, first)) ? first : await table.last(key);
    }
    return new Noting(async (reached) => {
      const before = line;
      if (before === undefined || places.length === 0) return;
      const place = places.reduce(greatest);
      if (comparePlaces(place, before.place) <= 0) return; // a letter that came back: lines above it hold
      const at = now();
      const all = merged(before.reached, reached);
      const next: Line = { place, epoch, at, reached: ends === undefined ? lately(all, at) : all };
      this.#lines.delete(task);
      if (await table.put(key, next)) this.#lines.set(task, next);
    });
  }
}

/** Notes what is taken of one commit. */
export class Noting {
  readonly #reached = new Map<string, Reached>();
  readonly #end: (reached: ReadonlyMap<string, Reached>) => Promise<void>;

  constructor(end: (reached: ReadonlyMap<string, Reached>) => Promise<void>) {
    this.#end = end;
  }

  /** A copy was taken. @param at when that was known */
  reached(partition: string, position: string, at: number): void {
    const before = this.#reached.get(partition);
    if (before === undefined || comparePlaces(before.position, position) < 0) {
      this.#reached.set(partition, { position, at });
    }
  }

  /** All of the commit was taken. */
  end(): Promise<void> {
    return this.#end(this.#reached);
  }
}

function merged(
  before: ReadonlyMap<string, Reached>,
  after: ReadonlyMap<string, Reached>,
): ReadonlyMap<string, Reached> {
  const all = new Map(before);
  for (const [partition, one] of after) {
    const known = all.get(partition);
    if (known === undefined || comparePlaces(known.position, one.position) < 0) all.set(partition, one);
  }
  return all;
}

/**
 * What a line has of shards. One that is left out is read from the line's own time on, which is later than what was reached there: so
 * those that were closed long ago go, and a line stays an item, and cheap, however often the other side's stream is split and merged.
 */
function lately(all: ReadonlyMap<string, Reached>, now: number): ReadonlyMap<string, Reached> {
  const recent = [...all].filter(([, { at }]) => at >= now - RECENT_MILLIS);
  if (recent.length <= MOST_REACHED) return new Map(recent);
  return new Map(recent.toSorted(([, a], [, b]) => b.at - a.at).slice(0, MOST_REACHED));
}

const RECENT_MILLIS = 3_600_000;

/** A shard's entry takes about 120 bytes of an item, which may have 400 KB. */
const MOST_REACHED = 2_000;

const least = (a: string, b: string): string => (comparePlaces(a, b) <= 0 ? a : b);
const greatest = (a: string, b: string): string => (comparePlaces(a, b) >= 0 ? a : b);

/** The place before one; of the first offset there is none, and nothing is below it. */
const below = (place: string): string => (place === "0" ? "" : String(BigInt(place) - 1n));
