import fc from "fast-check";
import { expect, test } from "vitest";
import type { Copied } from "../../lib/connectors/replication/copy-body.ts";
import { PositionLog, type CopiedDelivery } from "../../lib/connectors/replication/position-log.ts";
import { comparePlaces, lineKey, type Line } from "../../lib/connectors/replication/positions.ts";
import { startOf } from "../../lib/connectors/replication/translate.ts";

const SINK = "copy";
const taskOf = (partition: string) => `p:0:s:s.0:${partition}`;
/** What the clock moves by at each step: far more than clocks may differ. */
const STEP = 1_000_000;

/** The table, each of whose requests takes its time. */
class MemoryTable {
  readonly lines = new Map<string, Line[]>();
  readonly #pause: () => Promise<void>;

  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  async last(key: string, upTo?: string): Promise<Line | undefined> {
    await this.#pause();
    return this.lastNow(key, upTo);
  }

  lastNow(key: string, upTo?: string): Line | undefined {
    return (this.lines.get(key) ?? [])
      .filter(({ place }) => upTo === undefined || comparePlaces(place, upTo) <= 0)
      .toSorted((a, b) => comparePlaces(a.place, b.place))
      .at(-1);
  }

  async put(key: string, line: Line): Promise<boolean> {
    await this.#pause();
    const lines = this.lines.get(key) ?? [];
    this.lines.set(key, lines);
    if (lines.some(({ place }) => place === line.place)) return false;
    lines.push(line);
    return true;
  }
}

interface Copy {
  readonly partition: string;
  readonly place: string;
  readonly at: number;
}

/** A commit: places of its records with the partition of the copy that each goes to. */
type Commit = readonly (readonly [place: string, to: string])[];

/** A source's partitions, and the commits of each. Places rise; some commits have nothing for the sink. */
const histories = fc
  .array(fc.array(fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 4 }), { maxLength: 5 }), {
    minLength: 1,
    maxLength: 2,
  })
  .map((partitions) => {
    return partitions.map((commits, index) => {
      let place = index * 7 + 8; // from one digit to two
      return commits.map((records): Commit => records.map((to) => [String((place += 1 + (to === "y" ? 5 : 0))), to]));
    });
  });

/** Other side, table and clock, and processes whose steps come in any order. */
class World {
  readonly table: MemoryTable;
  readonly copies = new Map<string, Copy[]>();
  readonly #scheduler: fc.Scheduler;
  readonly #luck: () => number;
  #now = 0;

  constructor(scheduler: fc.Scheduler, luck: () => number) {
    this.#scheduler = scheduler;
    this.#luck = luck;
    this.table = new MemoryTable(() => this.#step());
  }

  /** All commits of a partition, one after the other: the next begins when any attempt at the one before has succeeded. */
  async run(partition: string, commits: readonly Commit[]): Promise<void> {
    const log = () => new PositionLog({ table: this.table as never, sink: SINK, now: () => this.#now });
    const processes = [log(), log()];
    for (const [index, commit] of commits.entries()) {
      if (commit.length === 0) continue;
      const deliveries = commit.map(([place, to], n): CopiedDelivery & { readonly to: string } => ({
        delivery: { id: `${taskOf(partition)}@${index + 1}#${n}`, body: "" },
        copied: { place: { partition, sequence: place, index: 0 } } as Copied,
        to,
      }));
      for (let from = 0, isDone = false; !isDone;) {
        // Two processes at the same commit, of which one may go on for long after the other has succeeded.
        const attempts = (this.#luck() < 0.4 ? [0, 1] : [this.#luck() < 0.5 ? 0 : 1]).map((of) =>
          this.#deliver(processes[of]!, deliveries, from),
        );
        const taken = await firstDone(attempts);
        isDone = taken.isDone;
        from = taken.count;
      }
    }
  }

  /** One delivery. Anything may fail: what is sent may be there, and nobody is told. */
  async #deliver(
    log: PositionLog,
    all: readonly (CopiedDelivery & { readonly to: string })[],
    from: number,
  ): Promise<{ readonly isDone: boolean; readonly count: number }> {
    const some = all.slice(from);
    const noting = await log.begin(some);
    for (const [n, { copied, to }] of some.entries()) {
      if (this.#luck() < 0.1) return { isDone: false, count: from + n };
      await this.#step();
      const copies = this.copies.get(to) ?? [];
      this.copies.set(to, copies);
      copies.push({ partition: copied.place.partition, place: copied.place.sequence, at: this.#now });
      const position = String(copies.length - 1);
      if (this.#luck() < 0.1) return { isDone: false, count: from + n };
      await this.#step();
      noting.reached(to, position, this.#now);
    }
    if (this.#luck() < 0.1) return { isDone: false, count: all.length - 1 };
    await noting.end();
    return { isDone: true, count: all.length };
  }

  #step(): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve()).then(() => void (this.#now += STEP));
  }
}

/** The first that succeeds, while others go on; the first at all where none does. */
async function firstDone<T extends { readonly isDone: boolean }>(attempts: readonly Promise<T>[]): Promise<T> {
  return new Promise((resolve) => {
    for (const attempt of attempts) void attempt.then((one) => one.isDone && resolve(one));
    void Promise.all(attempts).then(([first]) => resolve(first!));
  });
}

test("X5: whatever fails, and whoever is overtaken, no place translates to one beyond what is copied", async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.scheduler(), fc.infiniteStream(fc.nat(999)), async (partitions, s, luck) => {
      const world = new World(s, () => (luck.next().value as number) / 1_000);
      const names = partitions.map((_, index) => `shard-${index}`);
      const running = Promise.all(partitions.map((commits, index) => world.run(names[index]!, commits)));
      await s.waitFor(running);
      await s.waitAll(); // those that were overtaken
      const placesOf = (index: number) => partitions[index]!.flat().map(([place]) => place);
      for (const read of [...placesOf(0), "1"]) {
        for (const other of partitions.length > 1 ? [...placesOf(1), "1"] : [undefined]) {
          const places = other === undefined ? [read] : [read, other];
          const start = startOf(
            places.map((place, index) => world.table.lastNow(lineKey(taskOf(names[index]!), SINK), place)),
          );
          places.forEach((place, index) =>
            missesNothing(world, start, names[index]!, place, partitions[index]!.flat()),
          );
        }
      }
      for (const [index, name] of names.entries()) rises(world, name, placesOf(index));
    }),
    { numRuns: 400 },
  );
});

/** Every record beyond a place is found from the start on, and those of a partition of the copy in their order. */
function missesNothing(world: World, start: ReturnType<typeof startOf>, name: string, place: string, records: Commit) {
  for (const to of ["x", "y", "z"]) {
    const after = start.after[to];
    const found = (world.copies.get(to) ?? []).filter(({ partition, place: copied, at }, position) => {
      if (partition !== name || comparePlaces(copied, place) <= 0) return false;
      return after === undefined ? at >= (start.timestamp ?? 0) : position > Number(after);
    });
    const wanted = records.filter(([one, there]) => there === to && comparePlaces(one, place) > 0);
    expect([...new Set(found.map((copy) => copy.place))]).toEqual(wanted.map(([one]) => one));
  }
}

/** Who has read more begins no earlier. */
function rises(world: World, name: string, places: readonly string[]): void {
  const starts = places.map((place) => world.table.lastNow(lineKey(taskOf(name), SINK), place));
  for (const [i, line] of starts.entries()) {
    for (const [partition, { position, at }] of starts[i - 1]?.reached ?? []) {
      const reached = line!.reached.get(partition);
      // One that was not reached for long is left out: it is read from the line's own time on.
      if (reached === undefined) expect(line!.at).toBeGreaterThan(at + 3_600_000);
      else expect(comparePlaces(reached.position, position)).toBeGreaterThanOrEqual(0);
    }
  }
}

test.each([
  ["a line stays small, however often the other side is split and merged", undefined, 24],
  ["of a topic, whose partitions stay and which is read from no time, a line has all", new Map([["t", "0"]]), 5_001],
])("%s", async (_, ends, size) => {
  let now = 0;
  const table = new MemoryTable(() => Promise.resolve());
  const log = new PositionLog({
    ...{ table: table as never, sink: SINK, now: () => now },
    ...(ends && { ends: () => Promise.resolve(ends) }),
  });
  for (let epoch = 1; epoch <= 5_000; epoch++) {
    const copied = { place: { partition: "p", sequence: String(epoch), index: 0 } } as Copied;
    const noting = await log.begin([{ delivery: { id: `${taskOf("p")}@${epoch}#0`, body: "" }, copied }]);
    now += 160_000;
    noting.reached(`shard ${epoch}`, String(epoch), now);
    await noting.end();
  }
  expect(table.lastNow(lineKey(taskOf("p"), SINK))!.reached.size).toBeLessThanOrEqual(size);
  expect(table.lastNow(lineKey(taskOf("p"), SINK))!.reached.size).toBeGreaterThan(size - 3);
});
