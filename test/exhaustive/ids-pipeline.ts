import { custom, kinesis, lake, pipeline, text, timestamp, tumbling, type Duration } from "millrace";
import { z } from "zod";
import { kinesisFormat } from "../../lib/connectors/kinesis/decode.ts";
import { systemicError } from "../../lib/errors.ts";
import { compileStage } from "../../lib/plan/compile.ts";
import { planStages, sourceOf } from "../../lib/plan/stage.ts";
import { sourceIntake } from "../../lib/runtime/intake.ts";
import { DEAD_LETTERS } from "../../lib/runtime/dead-letter.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import type { RunnableStage } from "../../lib/runtime/stage-runtime.ts";
import { TICKS } from "../../lib/runtime/tick.ts";

/** When every record of a configuration arrived: epoch milliseconds. */
export const ARRIVAL = 1_000_000;

const event = z.object({ id: z.string(), key: z.string(), time: z.number(), kills: z.boolean().optional() });
type Event = z.infer<typeof event>;

export interface IdsOptions {
  /** A row for every record too, so that every commit has outputs. @default true */
  readonly each?: boolean;
  /** @default "never" */
  readonly idle?: Duration | "never";
}

/** A stage, and the names of its sinks. */
export interface IdsStage extends RunnableStage {
  readonly sinks: readonly string[];
}

/**
 * A pipeline whose rows say which records made them: `windows` has a row per key and ten milliseconds, `late` one
 * for each record that came too late, and `each` one for every record.
 *
 * @param die ends the process at once, as a record that takes all memory would
 */
export function idsStage(die: () => void, { each = true, idle = "never" }: IdsOptions = {}): IdsStage {
  const events = kinesis("events", {
    schema: event,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: { millis: 5 },
    maxFuture: "unbounded",
    idle,
  });
  const ids = custom<Event, string[], string>({
    state: z.array(z.string()),
    init: () => [],
    add: (seen, e) => [...seen, e.id],
    merge: (a, b) => [...a, ...b],
    result: (seen) => seen.join(),
  });
  const flow = pipeline("ids", (start) => {
    const all = start.from(events).filter("deadly", (e) => {
      if (e.kills !== true) return true;
      die();
      throw systemicError({ code: "test/killed", message: "Nobody hears this." });
    });
    if (each) all.map("row", ({ id }) => ({ id })).to(lake("each", { id: text }));
    const windows = all.byKey.window("tens", tumbling({ millis: 10 })).aggregate({ ids });
    windows.to(lake("windows", { key: text, windowStart: timestamp, windowEnd: timestamp, ids: text }));
    windows.late.map("late-row", ({ id }) => ({ id })).to(lake("late", { id: text }));
  });
  const stage = planStages(flow)[0]!;
  return {
    pipeline: flow.name,
    generation: 0,
    stage: stage.name,
    source: sourceOf(stage).name,
    incarnation: 0,
    program: compileStage(flow, stage),
    intake: sourceIntake(stage.name, kinesisFormat(sourceOf(stage)), sourceOf(stage).disorder),
    idle: sourceOf(stage).idle,
    poisonShare: flow.poison.share,
    sinks: [...stage.sinks.map(({ name }) => name), DEAD_LETTERS, TICKS],
  };
}

/** A record of a configuration: its id is its sequence number's text with an `r`. */
export function recordOf(sequence: number, time: number, { key = "a", kills = false } = {}): IncomingRecord {
  const value: Event = { id: `r${sequence}`, key, time, ...(kills && { kills }) };
  return {
    position: { sequence: String(sequence), index: 0 },
    arrival: ARRIVAL,
    partitionKey: key,
    base64: Buffer.from(JSON.stringify(value)).toString("base64"),
  };
}
