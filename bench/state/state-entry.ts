import path from "node:path";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { taskName } from "../../lib/state/task-id.ts";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import { oneTask, SHARD } from "../harness/one-task.ts";
import { median } from "../harness/statistics.ts";
import { BUILDING, MOST_DRAINED, Readings } from "./batches.ts";
import readings from "./readings.ts";
import { FileObjects, ShortChangelog } from "./stores.ts";

// A child's program: `warm SENSORS BATCHES DIRECTORY` builds a state and works on it; `cold SENSORS SEQUENCE DIRECTORY`
// goes on with it in a process that knows nothing. It writes what it came to as JSON.
const [mode, sensors, other, directory] = process.argv.slice(2) as [string, string, string, string];
const file = path.join(directory, "changelog");

/** Milliseconds of this process's CPU. */
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** The most memory resident so far, MB. What draining takes, which is there for the check alone, is not to be in it. */
const peak = (): number => process.resourceUsage().maxRSS / 1_024;

const objects = new FileObjects(directory);
const changelog = mode === "cold" ? await ShortChangelog.load(file) : new ShortChangelog();
let last: TurnReport | undefined;
const rows = { count: 0, readings: 0, total: 0 };
const runtime = oneTask(readings, {
  changelog,
  objects,
  sink: {
    deliver: async (deliveries) => {
      for (const { body } of deliveries) {
        const row = JSON.parse(body) as { readings: number; total: number };
        rows.count++;
        rows.readings += row.readings;
        rows.total += row.total;
      }
      return [];
    },
  },
  onTurn: (report) => (last = report),
});
const task = taskName(runtime.idOf(SHARD));
/** What the rows of all keys come to; for more keys than rows would fit in one commit, how many keys are live. */
const drained = async () => {
  if (Number(sensors) > MOST_DRAINED) {
    for (const entries of last!.stateEntries.values()) rows.count += entries;
    return rows;
  }
  await runtime.control({ type: "drain", task });
  return rows;
};

if (mode === "warm") {
  const source = new Readings();
  let appended = 0;
  changelog.onAppend = () => (appended = cpu());
  let written = 0;
  objects.onPut = (key, bytes) => {
    if (key.startsWith("checkpoints/")) written = bytes;
  };
  const checkpoint = { bytes: 0, cpu: 0, longest: 0, turns: 0, count: 0 };
  let parts: number[] = [];
  /** A turn; and of its CPU what came before its commit. What comes after it is a checkpoint's, where one is made. */
  const turn = async (records: readonly IncomingRecord[]): Promise<number> => {
    const before = cpu();
    await runtime.records(SHARD, records);
    parts.push(cpu() - appended);
    if (last!.checkpointed) {
      // Turns in which nothing of it was made are no part of it. They take tenths of a millisecond, and a small one hardly more.
      const least = Math.min(1, 0.05 * Math.max(...parts));
      const own = parts.filter((part) => part > least);
      const all = own.reduce((sum, part) => sum + part, 0);
      const count = checkpoint.count + 1;
      Object.assign(checkpoint, { bytes: written, cpu: all, longest: Math.max(...own), turns: own.length, count });
      parts = [];
    }
    return appended - before;
  };
  const all = Number(sensors);
  for (let from = 0; from < all; from += BUILDING) {
    const some = Array.from({ length: Math.min(BUILDING, all - from) }, (_, i) => from + i);
    await turn(source.of(some));
  }
  const turns: { cpu: number; bytes: number }[] = [];
  let touched = 0;
  for (let n = 0; n < Number(other); n++) {
    const records = source.touching(all);
    touched += new Set(records.map(({ partitionKey }) => partitionKey)).size;
    turns.push({ cpu: await turn(records), bytes: last!.commitBytes });
  }
  global.gc!();
  const held = process.memoryUsage(); // a checkpoint that was begun while the state was built is made by now
  await changelog.save(task, file);
  const plain = turns.slice(Math.floor(turns.length / 4)); // compiled by then
  const report = {
    heapMegabytes: (held.heapUsed + held.arrayBuffers) / 2 ** 20,
    residentMegabytes: held.rss / 2 ** 20,
    touched: touched / turns.length,
    turnCpu: median(plain.map((one) => one.cpu)),
    turnCpuMean: plain.reduce((sum, one) => sum + one.cpu, 0) / plain.length,
    deltaBytes: median(plain.map(({ bytes }) => bytes)),
    stateBytes: last!.stateBytes,
    checkpoint,
    sequence: source.sequence,
    peakMegabytes: peak(),
  };
  console.log(JSON.stringify({ ...report, rows: await drained() }));
} else {
  const source = new Readings(Number(other));
  const records = source.touching(Number(sensors));
  const [before, start] = [cpu(), performance.now()];
  await runtime.records(SHARD, records);
  const report = {
    cpu: cpu() - before,
    wall: performance.now() - start,
    catchUpBytes: last!.catchUpBytes,
    peakMegabytes: peak(),
  };
  const again = source.touching(Number(sensors));
  const warm = cpu();
  await runtime.records(SHARD, again);
  console.log(JSON.stringify({ ...report, nextCpu: cpu() - warm, rows: await drained() }));
}
