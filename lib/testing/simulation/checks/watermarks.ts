import { hashOf, isWithin } from "../../../state/hash-range.ts";
import { BEFORE_ALL_TIME } from "../../../time/instant.ts";
import type { LedgerTask } from "../ledger.ts";
import type { SimulatedStage } from "../stage.ts";
import type { StreamRecord } from "../stream.ts";
import { parentsOf } from "./lineage.ts";
import { KnownProducers } from "./producers.ts";

/** What a task's watermark must be. */
export interface Watermarks {
  watermark: number;
  recordWatermark: number;
  /** By partition key: how far the shards had come that it was on before. */
  readonly floors: Map<string, number>;
  /** For a stage that others write to. */
  readonly producers: KnownProducers;
}

/** What a task begins with: with what those had that it takes over from. */
export function beginning(task: LedgerTask, byTask: ReadonlyMap<LedgerTask, Watermarks>): Watermarks {
  const { idle, source } = task.stage;
  const tasks = parentsOf(task);
  const arrivalOf = ({ commits }: LedgerTask) => commits.at(-1)!.commit.header.arrival;
  const known = tasks.flatMap((parent) => {
    const time = byTask.get(parent);
    return time === undefined ? [] : [{ ...time, arrival: arrivalOf(parent) }];
  });
  const producers = KnownProducers.join(known.map((time) => time.producers));
  const floors = new Map<string, number>();
  const parents = known.filter(({ watermark }) => watermark !== BEFORE_ALL_TIME);
  if (parents.length === 0) return { watermark: BEFORE_ALL_TIME, recordWatermark: BEFORE_ALL_TIME, floors, producers };
  // The slowest parent's; what another had closed stays closed for its keys (floorOf).
  const watermark = Math.min(...parents.map((time) => time.watermark));
  // A parent of a source that was silent for longer than another has moved on by as much (X12).
  const last = Math.max(...tasks.map(arrivalOf));
  const moved = parents.map(({ recordWatermark, arrival }) => {
    const silence = last - arrival;
    const isKnown = recordWatermark !== BEFORE_ALL_TIME;
    return source !== undefined && isKnown && silence >= idle ? recordWatermark + silence : recordWatermark;
  });
  const told = moved.filter((time) => time !== BEFORE_ALL_TIME);
  const recordWatermark = told.length === 0 ? BEFORE_ALL_TIME : Math.min(...told);
  return { watermark, recordWatermark, floors, producers };
}

/** How far event time had come for a key, in the shards that it was on before. */
export function floorOf(
  task: LedgerTask,
  byTask: ReadonlyMap<LedgerTask, Watermarks>,
  { floors }: Watermarks,
  partitionKey: string,
): number {
  let floor = floors.get(partitionKey);
  if (floor !== undefined) return floor;
  floor = BEFORE_ALL_TIME;
  const hash = hashOf(partitionKey);
  for (const parent of parentsOf(task)) {
    const time = byTask.get(parent);
    if (time === undefined || !isWithin(parent.shard.range, hash)) continue;
    floor = Math.max(floor, time.watermark, floorOf(parent, byTask, time, partitionKey));
  }
  floors.set(partitionKey, floor);
  return floor;
}

/** Event time moves to where a record has brought it, if that is further than any before. */
export function follow(time: Watermarks, watermark: number): void {
  if (watermark <= time.recordWatermark) return;
  time.recordWatermark = watermark;
  time.watermark = Math.max(time.watermark, watermark);
}

/** Takes note of what a record of a stream between stages says of who wrote it. */
export function hearOf(time: Watermarks, stage: SimulatedStage, { pack }: StreamRecord): void {
  const { input } = stage.plan;
  if (input.kind === "source") return;
  const { producers } = time;
  if (pack?.kind === "news") producers.hears(pack.producer, pack.epoch, pack.news);
  else for (const { index } of pack?.elements ?? []) producers.admits(pack!.producer, pack!.epoch, index);
  follow(time, producers.time(input.producers).watermark);
}
