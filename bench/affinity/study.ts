import { WRITER_LIMITS } from "../../lib/runtime/commit-writer.ts";
import { COLD } from "./affinity.ts";
import { memoryFor } from "./assumptions.ts";
import { costOf, optimismBreaksEven, savedByOptimism } from "./costs.ts";
import { affinityOf, GRID, rowOf, tasksKept, type Row } from "./grid.ts";
import { CACHED_TASKS, RuledTask } from "./rules.ts";
import { affinityTable, costTable, duty, memoryTable, perMillion, percent, size, table, whole } from "./tables.ts";
import { runTask } from "./task-model.ts";
import { whatIfs } from "./what-ifs.ts";

const { records, commitBytes, stateBytes: sizes } = GRID;

/** Every configuration of the grid: assignment by assignment, shards, duty, size. */
export async function runGrid(progress: (what: string) => void): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const assignment of GRID.assignments) {
    for (const shards of GRID.shards) {
      for (const each of GRID.duty) {
        const invocations = { shards, duty: each, assignment };
        const affinity = affinityOf(invocations);
        for (const stateBytes of sizes) rows.push(await rowOf(invocations, affinity, { stateBytes }));
        progress(
          `${assignment}, ${whole(shards)} shards, ${duty(each)} in flight: ${whole(affinity.created)} containers`,
        );
      }
    }
  }
  return rows;
}

/** The tables of docs/scale.md, each under the name by which the document asks for it. */
export async function tablesOf(
  rows: readonly Row[],
  progress: (what: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const smallest = rows.filter(({ stateBytes }) => stateBytes === sizes[0]);
  const of = (assignment: Row["assignment"]) => smallest.filter((row) => row.assignment === assignment);
  const named = (assignment: Row["assignment"], at: number) =>
    rows
      .filter((row) => row.assignment === assignment && row.duty === at)
      .toSorted((a, b) => a.stateBytes - b.stateBytes || a.shards - b.shards)
      .map((row) => [`${size(row.stateBytes)}, ${whole(row.shards)}`, row] as const);
  progress("what if rules were others");
  return new Map([
    ["affinity", affinityTable(of("most-recently-used"), of("random"))],
    ["memory", await memory()],
    ["cost", costTable("state, shards", named("random", 0.5), records)],
    ["totals", totals(rows)],
    ["optimism", await optimism(rows)],
    ["first-loads", await firstLoads()],
    ["what-ifs", await rules()],
    [
      "all",
      costTable(
        "assignment, shards, in flight, state",
        rows.map((row) => [nameOf(row), row]),
        records,
      ),
    ],
  ]);
}

const nameOf = (row: Row): string =>
  `${row.assignment}, ${whole(row.shards)}, ${duty(row.duty)}, ${size(row.stateBytes)}`;

async function memory(): Promise<string> {
  const cold = new Map<number, number>();
  for (const stateBytes of sizes) {
    const counts = await runTask({ stateBytes, commitBytes }, new Int32Array(2_000).fill(COLD));
    cold.set(stateBytes, costOf(counts, { stateBytes, memory: memoryFor(stateBytes), records }).loadMillis);
  }
  return memoryTable(
    sizes,
    (bytes) => ({ memory: memoryFor(bytes), kept: tasksKept(memoryFor(bytes), bytes), coldMillis: cold.get(bytes)! }),
    CACHED_TASKS,
  );
}

/** Dollars per million events, both assignments side by side. */
function totals(rows: readonly Row[]): string {
  const at = (assignment: Row["assignment"], shards: number, share: number, bytes: number): string => {
    const row = rows.find(
      (each) =>
        each.assignment === assignment && each.shards === shards && each.duty === share && each.stateBytes === bytes,
    )!;
    return perMillion(row.cost.total, records);
  };
  return table(
    ["shards, in flight", ...sizes.map(size)],
    GRID.shards.flatMap((shards) =>
      GRID.duty.map((share) => [
        `${whole(shards)}, ${duty(share)}`,
        ...sizes.map(
          (bytes) => `${at("most-recently-used", shards, share, bytes)} / ${at("random", shards, share, bytes)}`,
        ),
      ]),
    ),
  );
}

/** Putting before reading: where it breaks even, and where the grid's containers stand. */
async function optimism(rows: readonly Row[]): Promise<string> {
  const settings = { stateBytes: 1 << 20, memory: memoryFor(1 << 20), records };
  const lines: string[][] = [];
  for (const bytes of [1_024, 3_072, 4_700, 8_192, 20_480]) {
    const task = await RuledTask.of({ stateBytes: settings.stateBytes, commitBytes: bytes });
    const counts = await runTask({ ...settings, commitBytes: bytes }, new Int32Array(10));
    const saved = (share: (row: Row) => boolean) =>
      rows
        .filter((row) => row.stateBytes === settings.stateBytes && row.assignment === "random" && row.duty === 0.5)
        .filter(share)
        .map((row) => perMillion(savedByOptimism(counts, row.shares, settings), records));
    lines.push([
      `${size(bytes)}${task.isSpilled ? ", spilled" : ""}`,
      `${counts.commitUnits}`,
      percent(optimismBreaksEven(counts, settings)),
      ...[1, 10, 100, 1_000].map((shards) => saved((row) => row.shards === shards)[0]!),
    ]);
  }
  return table(
    ["commit", "write units", "breaks even at", ...[1, 10, 100, 1_000].map((n) => `saves $, ${whole(n)} shards`)],
    lines,
  );
}

async function rules(): Promise<string> {
  const lines = (await whatIfs()).map(
    ({ rule, row }) => [`${rule}; ${size(row.stateBytes)}, ${whole(row.shards)}`, row] as const,
  );
  return costTable("rule; state, shards", lines, records);
}

/** A container that knows nothing, where none has been cold for so long that the log is as long as it may be. */
async function firstLoads(): Promise<string> {
  const lines: string[][] = [];
  for (const stateBytes of sizes) {
    for (const stateShare of [1, 1 / 16]) {
      const logBytes = Math.max(stateBytes * stateShare, WRITER_LIMITS.shortLog) - commitBytes;
      const settings = { stateBytes, commitBytes, logBytes, warmUp: 0 };
      const counts = await runTask(settings, Int32Array.of(COLD));
      const costs = { stateBytes, memory: memoryFor(stateBytes), records };
      const { loadMillis, affinity } = costOf({ ...counts, checkpointPuts: 0 }, costs);
      const name = `${size(stateBytes)}, ${stateShare === 1 ? "as it is" : "after 1/16 of it"}`;
      const read = [counts.catchUpBytes, counts.loadedBytes].map((each) => whole(each / 1_024));
      lines.push([name, ...read, whole(counts.readUnits), whole(loadMillis), perMillion(affinity, 1_000)]);
    }
  }
  return table(["state, checkpoint", "log KB", "load KB", "read units", "load ms", "$ per thousand tasks"], lines);
}
