import { isKinesisEvent, recordsByShard } from "../../../lib/connectors/kinesis/event.ts";
import { parseEvent } from "../../../lib/connectors/kinesis/unparsed-event.ts";
import { parseEventsWith } from "../../../lib/lambda/event-parser.ts";
import type { Pipeline } from "../../../lib/pipeline/topology.ts";
import type { StageRuntime } from "../../../lib/runtime/stage-runtime.ts";
import { taskName } from "../../../lib/state/task-id.ts";
import { MemoryChangelog } from "../../../lib/testing/memory-changelog.ts";
import { MemoryObjects } from "../../../lib/testing/memory-objects.ts";
import { marker } from "../../harness/mark.ts";
import { oneTask, SHARD } from "../../harness/one-task.ts";
import { RowFile } from "../../nexmark/run/rows.ts";
import { STREAM_ARN } from "../data.ts";
import { batchesOf, linesOf } from "./lines.ts";
import { textIntake, type TextRecord } from "./text-intake.ts";

export type Shape = "text" | "enveloped" | "packed" | "backlog";

/** What a run came to, beside its rows. */
export interface TurnsReport {
  readonly records: number;
  readonly turns: number;
  readonly commitBytes: number;
  readonly checkpoints: number;
  readonly late: number;
}

/** Gives a pipeline's first stage the records of a file, a turn for every batch, and drains it: one task, stores in memory. */
export async function runTurns(
  pipeline: Pipeline,
  shape: Shape,
  input: string,
  rows: string,
  batch: number,
): Promise<TurnsReport> {
  const sink = new RowFile(rows);
  const report = { records: 0, turns: 0, commitBytes: 0, checkpoints: 0, late: 0 };
  const mark = marker();
  const runtime = oneTask(pipeline, {
    changelog: new MemoryChangelog(),
    objects: new MemoryObjects(),
    sink,
    onTurn: ({ folded, commitBytes, checkpointed, counts }) => {
      report.records += folded;
      report.turns++;
      mark(report.records);
      report.commitBytes += commitBytes;
      report.checkpoints += Number(checkpointed);
      for (const { late } of counts.values()) report.late += late;
    },
    change: (runnable, { input: source }) =>
      shape === "text" && source.kind === "source" ? { ...runnable, intake: textIntake(source.source) } : runnable,
  });
  await (shape === "text" ? giveText(runtime, input, batch) : giveEvents(runtime, input));
  await runtime.control({ type: "drain", task: taskName(runtime.idOf(SHARD)) });
  sink.close();
  return report;
}

async function giveText(runtime: StageRuntime, input: string, batch: number): Promise<void> {
  let n = 0;
  for (const payloads of batchesOf(input, batch)) {
    const arrival = Date.now();
    const sequence = String(++n);
    const records = payloads.map((payload, index): TextRecord => {
      const position = { sequence, index };
      return { position, arrival, partitionKey: "", base64: "", payload };
    });
    await runtime.records(SHARD, records);
  }
}

/** As Lambda's runtime and the handler do: the runtime calls JSON.parse, which the handler has replaced, and records are checked. */
async function giveEvents(runtime: StageRuntime, input: string): Promise<void> {
  parseEventsWith(parseEvent);
  for (const line of linesOf(input)) {
    const event = JSON.parse(line.toString("utf8")) as { readonly Records: readonly unknown[] };
    if (!isKinesisEvent(event)) throw new Error(`an event that is not of Kinesis: ${input}`);
    for (const { partition, records } of recordsByShard(event, STREAM_ARN)) await runtime.records(partition, records);
  }
}
