import { COLD } from "../../bench/affinity/affinity.ts";
import { itemBytes, readUnits } from "../../bench/affinity/billing.ts";
import { randomFrom } from "../../bench/affinity/random.ts";
import { commitItem, pointerValue } from "../../lib/dynamodb/items.ts";
import type { Changelog, NewestCommits } from "../../lib/state/changelog.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import type { StoredCommit } from "../../lib/state/commit.ts";
import { WRITER_LIMITS } from "../../lib/runtime/commit-writer.ts";
import { RUN_LIMITS } from "../../lib/state/run-writer.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { eventsPipeline } from "../support/events-pipeline.ts";
import { record, Rig, SMALL_LIMITS } from "../support/rig.ts";

export interface RealSettings {
  /** Entries of the state, and how many of them a batch changes. */
  readonly keys: number;
  readonly touched: number;
}

/** What a task on stores in memory did, over all batches. */
export interface RealRun {
  readonly stateBytes: number;
  readonly commitBytes: number;
  readonly readUnits: number;
  readonly checkpointGets: number;
  readonly spillGets: number;
  readonly checkpoints: number;
  readonly spills: number;
  readonly caughtUp: number;
}

/** Checkpoints are made in the turn in which they are due, as the model has it. */
const AT_ONCE = { turn: 1e9 };

/**
 * Runs the real turn, batch by batch, in containers that know the task as `gaps` says: one whose last batch was
 * `gap` batches ago, or a new one.
 */
export async function runReal({ keys, touched }: RealSettings, gaps: readonly number[]): Promise<RealRun> {
  const rig = new Rig(eventsPipeline());
  const name = taskName(rig.idOf());
  const random = randomFrom(7);
  let sequence = 0;
  const batchOf = (chosen: readonly number[]) => ({
    kind: "records" as const,
    records: chosen.map((key) =>
      record(++sequence, { key: `user-${key}`, time: 5, value: 1 + Math.round(random.next() * 100_000) / 100 }),
    ),
  });
  // The first commit is whole; one or two more that change all but one entry outgrow it, and a checkpoint follows.
  const filler = rig.task({ limits: { ...SMALL_LIMITS, ...AT_ONCE, run: RUN_LIMITS } }); // a checkpoint as large as those to come
  const all = Array.from({ length: keys }, (_, key) => key);
  await filler.turn(batchOf(all));
  for (let i = 0; i < 2 && rig.reports.at(-1)?.checkpointed !== true; i++) await filler.turn(batchOf(all.slice(1)));
  const some = () => batchOf(Array.from({ length: touched }, () => random.below(keys)));
  await rig.task().turn(some());

  const bill = { readUnits: 0, checkpointGets: 0, spillGets: 0 };
  const options = {
    limits: { ...WRITER_LIMITS, ...AT_ONCE },
    wrapChangelog: (changelog: Changelog) => billed(changelog, (units) => (bill.readUnits += units)),
    wrapObjects: (objects: ObjectStore) =>
      wrapped(objects, {
        get: (key: string) => {
          if (key.startsWith("checkpoints/")) bill.checkpointGets++;
          else bill.spillGets++;
          return objects.get(key);
        },
      }),
  };
  const before = rig.reports.length;
  const containers = new Map<number, ReturnType<Rig["task"]>>();
  for (const [batch, gap] of gaps.entries()) {
    const known = containers.get(batch - gap);
    if (gap !== COLD && known === undefined) throw new Error(`No container had batch ${batch - gap}.`);
    const task = gap === COLD ? rig.task(options) : known!;
    if (gap !== COLD) containers.delete(batch - gap);
    await task.turn(some());
    containers.set(batch + 1, task);
  }
  const reports = rig.reports.slice(before);
  const total = (of: (report: (typeof reports)[number]) => number) => reports.reduce((sum, r) => sum + of(r), 0);
  const { item } = await rig.changelog.newest(name, { from: 0, limit: 1 });
  return {
    ...bill,
    stateBytes: item.checkpoint?.bytes ?? 0,
    commitBytes: total(({ commitBytes }) => commitBytes) / reports.length,
    checkpoints: total(({ checkpointed }) => Number(checkpointed)),
    spills: total(({ spilled }) => Number(spilled)),
    caughtUp: total(({ catchUpBytes }) => catchUpBytes),
  };
}

/** Counts and says what DynamoDB would bill for a query. */
function billed(changelog: Changelog, count: (units: number) => void): Changelog {
  const unitsOf = (commits: readonly StoredCommit[], more: number): number => {
    const units = readUnits(
      more + commits.reduce((sum, commit) => sum + itemBytes(commitItem("t".repeat(60), commit)), 0),
    );
    count(units);
    return units;
  };
  return wrapped(changelog, {
    async newest(task: string, options: { readonly from: number; readonly limit?: number }): Promise<NewestCommits> {
      const newest = await changelog.newest(task, options);
      const { checkpoint, previousCheckpoint } = newest.item;
      const pointers = [checkpoint, previousCheckpoint].flatMap((pointer) => (pointer ? [pointerValue(pointer)] : []));
      const item = 80 + pointers.reduce((sum, { S }) => sum + (S?.length ?? 0), 0);
      return { ...newest, bytes: unitsOf(newest.commits, item) * 4_096 };
    },
    async range(task: string, from: number, to: number) {
      const { commits } = await changelog.range(task, from, to);
      return { commits, bytes: unitsOf(commits, 0) * 4_096 };
    },
  });
}

/** The same object, with some methods replaced. */
function wrapped<T extends object>(object: T, methods: Partial<T>): T {
  return new Proxy(object, {
    get: (target, name) => {
      const method: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof method === "function" ? (method.bind(target) as unknown) : method;
    },
  });
}
