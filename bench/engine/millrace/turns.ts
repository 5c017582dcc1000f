import { runnableStage } from "../../../lib/connectors/runnable-stage.ts";
import { recordsByShard } from "../../../lib/connectors/kinesis/event.ts";
import type { Pipeline } from "../../../lib/pipeline/topology.ts";
import { planStages } from "../../../lib/plan/stage.ts";
import { DEAD_LETTERS } from "../../../lib/runtime/dead-letter.ts";
import type { SinkWriter } from "../../../lib/runtime/sink-writer.ts";
import { StageRuntime } from "../../../lib/runtime/stage-runtime.ts";
import { TICKS } from "../../../lib/runtime/tick.ts";
import { taskName } from "../../../lib/state/task-id.ts";
import { WHOLE_RANGE } from "../../../lib/state/hash-range.ts";
import { MemoryChangelog } from "../../../lib/testing/memory-changelog.ts";
import { MemoryObjects } from "../../../lib/testing/memory-objects.ts";
import { RowFile } from "../../nexmark/run/rows.ts";
import { BATCH, STREAM_ARN } from "../data.ts";
import { batchesOf, linesOf } from "./lines.ts";
import { textIntake, type TextRecord } from "./text-intake.ts";

export type Shape = "text" | "enveloped";

/** What a run came to, beside its rows. */
export interface TurnsReport {
  readonly records: number;
  readonly turns: number;
  readonly commitBytes: number;
  readonly checkpoints: number;
  readonly late: number;
  readonly deadLetters: number;
}

const SHARD = "shardId-000000000000";

/** Gives a pipeline's first stage the records of a file, a turn for every batch, and drains it: one task, stores in memory. */
export async function runTurns(pipeline: Pipeline, shape: Shape, input: string, rows: string): Promise<TurnsReport> {
  const [stage] = planStages(pipeline);
  const { input: source } = stage!;
  if (source.kind !== "source") throw new Error("The first stage reads a source.");
  const sink = new RowFile(rows);
  const report = { records: 0, turns: 0, commitBytes: 0, checkpoints: 0, late: 0, deadLetters: 0 };
  let nonces = 0;
  const runnable = runnableStage(pipeline, stage!, { generation: 0, incarnation: 0 });
  const runtime = new StageRuntime({
    stage: shape === "text" ? { ...runnable, intake: textIntake(source.source) } : runnable,
    build: "bench",
    changelog: new MemoryChangelog(),
    objects: new MemoryObjects(),
    writers: new Map<string, SinkWriter>([
      ...stage!.sinks.map(({ name }) => [name, sink] as const),
      [TICKS, { deliver: async () => [] }],
      [
        DEAD_LETTERS,
        {
          deliver: async (letters) => {
            report.deadLetters += letters.length;
            return [];
          },
        },
      ],
    ]),
    partitions: {
      list: async () => [{ id: SHARD, parents: [], range: WHOLE_RANGE }],
      isAtTip: async () => true,
    },
    observer: {
      turn: ({ folded, commitBytes, checkpointed, counts }) => {
        report.records += folded;
        report.turns++;
        report.commitBytes += commitBytes;
        report.checkpoints += Number(checkpointed);
        for (const { late } of counts.values()) report.late += late;
      },
      notice: (_, what, cause) => {
        throw new Error(what, { cause });
      },
    },
    now: Date.now,
    newNonce: () => `nonce-${++nonces}`,
    suspectAfter: Number.POSITIVE_INFINITY,
  });
  if (shape === "text") {
    let n = 0;
    for (const payloads of batchesOf(input, BATCH)) {
      const arrival = Date.now();
      const records = payloads.map((payload): TextRecord => ({
        position: { sequence: String(++n), index: 0 },
        arrival,
        partitionKey: "",
        base64: "",
        payload,
      }));
      await runtime.records(SHARD, records);
    }
  } else {
    for (const line of linesOf(input)) {
      const event = JSON.parse(line.toString("utf8")) as { readonly Records: readonly unknown[] };
      for (const { partition, records } of recordsByShard(event, STREAM_ARN)) await runtime.records(partition, records);
    }
  }
  await runtime.control({ type: "drain", task: taskName(runtime.idOf(SHARD)) });
  sink.close();
  return report;
}
