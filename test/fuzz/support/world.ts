import fc from "fast-check";
import { DynamoChangelog } from "../../../lib/dynamodb/changelog.ts";
import type { IncomingRecord } from "../../../lib/runtime/record.ts";
import { decodeCommit, type Commit } from "../../../lib/state/commit.ts";
import { taskName } from "../../../lib/state/task-id.ts";
import { eventsPipeline } from "../../support/events-pipeline.ts";
import { overriding } from "../../support/overriding.ts";
import { record, RecordingSink, Rig, SMALL_LIMITS, type RigOptions, type RigTask } from "../../support/rig.ts";
import { ItemTable } from "./item-table.ts";

/** How a task came to be what it is. */
export interface History {
  readonly turns: readonly {
    readonly size: number;
    readonly process: number;
    readonly limits: "large" | "spill" | "checkpoint";
  }[];
  /** Up to this turn the warm process takes part. */
  readonly warmUntil: number;
  /** Whether the commits that a checkpoint covers have expired. */
  readonly expired: boolean;
  /** Whether the sinks were down for the last turn. */
  readonly undelivered: boolean;
}

const LIMITS = {
  large: undefined,
  spill: { spill: 0, shortLog: 1e9, checkpoint: 1e9 },
  checkpoint: SMALL_LIMITS,
};

export const history: fc.Arbitrary<History> = fc.record({
  turns: fc.array(
    fc.record({
      size: fc.integer({ min: 1, max: 4 }),
      process: fc.nat(2),
      limits: fc.constantFrom("large", "spill", "checkpoint"),
    }),
    { minLength: 2, maxLength: 12 },
  ),
  warmUntil: fc.nat(12),
  expired: fc.boolean(),
  undelivered: fc.boolean(),
});

const pipeline = eventsPipeline({ disorder: { millis: 200 } });

/** Some windows stay open for long, some close, some records are late, some are poison. */
const recordAt = (n: number): IncomingRecord =>
  record(
    n + 1,
    n % 7 === 5
      ? { key: "bad" }
      : { key: `k${n % 5}`, time: n % 6 === 4 ? Math.max(0, n * 9 - 260) : n * 9, value: n % 9 },
    { key: n % 7 === 5 ? "bad" : `k${n % 5}` },
  );

/** A task's stores, and the process that was there before they were damaged. */
export interface World {
  readonly rig: Rig;
  readonly table: ItemTable;
  readonly warm: RigTask;
  /** Records that come next. */
  readonly next: readonly IncomingRecord[];
}

const processOn = (rig: Rig, table: ItemTable, options: RigOptions = {}): RigTask =>
  rig.task({ ...options, wrapChangelog: () => new DynamoChangelog(table.client, "changelog") });

/** A process that knows nothing. */
export const coldTask = ({ rig, table }: World): RigTask => processOn(rig, table);

export async function worldOf({ turns, warmUntil, expired, undelivered }: History): Promise<World> {
  const rig = new Rig(pipeline);
  const table = new ItemTable();
  const warm = processOn(rig, table);
  // Many windows are open from the start: then commits are deltas.
  await warm.turn({ kind: "records", records: Array.from({ length: 20 }, (_, n) => recordAt(n)) });
  let at = 20;
  for (const [i, { size, process, limits }] of turns.entries()) {
    const isDown = undelivered && i === turns.length - 1;
    const records = Array.from({ length: size }, (_, n) => recordAt(at + n));
    at += size;
    const settings = LIMITS[limits];
    const down: RigOptions = {
      wrapSink: (_name, sink) => overriding(sink, { deliver: () => Promise.reject(new Error("down")) }),
    };
    const task =
      i < warmUntil && process === 0
        ? warm
        : processOn(rig, table, { ...(settings && { limits: settings }), ...(isDown && down) });
    await task.turn({ kind: "records", records }).catch((error: unknown) => {
      if (!isDown) throw error;
    });
  }
  const name = taskName(rig.idOf());
  const { item } = await new DynamoChangelog(table.client, "changelog").newest(name, { from: 0, limit: 1 });
  if (expired) {
    for (const [key, one] of table.items) {
      const epoch = Number(one["epoch"]!.N);
      if (epoch <= (item.checkpoint?.epoch ?? 0) && epoch <= item.delivered) table.items.delete(key);
    }
  }
  return { rig, table, warm, next: [0, 1, 2].map((n) => recordAt(at + n)) };
}

/** The same stores again, with what the sinks have received; without the process. */
export function copyOf({ rig, table, next, warm }: World): World {
  const copy = new Rig(pipeline);
  for (const [key, bytes] of rig.objects.objects) copy.objects.objects.set(key, new Uint8Array(bytes));
  for (const [name, sink] of rig.sinks) copy.sinks.set(name, sinkWith(sink));
  return { rig: copy, table: table.clone(), next, warm };
}

function sinkWith({ received }: RecordingSink): RecordingSink {
  const sink = new RecordingSink();
  sink.received.push(...received);
  return sink;
}

/** What a task is, seen from outside. */
export interface Result {
  readonly outputs: ReadonlyMap<string, string>;
  readonly header: Commit["header"];
}

export const outputsOf = ({ rig }: World): ReadonlyMap<string, string> =>
  new Map([...rig.sinks].flatMap(([name, sink]) => [...sink.distinct()].map(([id, body]) => [`${name} ${id}`, body])));

/** Gives a task its next records, and ends the input. */
export async function finish(world: World, task: RigTask): Promise<Result> {
  await task.turn({ kind: "records", records: world.next });
  await task.turn({ kind: "drain" });
  const name = taskName(world.rig.idOf());
  const changelog = new DynamoChangelog(world.table.client, "changelog");
  const head = (await changelog.newest(name, { from: 0, limit: 1 })).commits[0]!;
  const body = head.body instanceof Uint8Array ? head.body : world.rig.objects.objects.get(head.body.key)!;
  return { outputs: outputsOf(world), header: decodeCommit(head, body, name).header };
}
