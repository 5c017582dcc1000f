import type { Pipeline } from "millrace";
import { kinesisFormat } from "../../lib/connectors/kinesis/decode.ts";
import { compileStage } from "../../lib/plan/compile.ts";
import { planStages, sourceOf } from "../../lib/plan/stage.ts";
import { Fold } from "../../lib/runtime/fold.ts";
import { sourceIntake } from "../../lib/runtime/intake.ts";
import { TaskState } from "../../lib/state/task-state.ts";
import { record } from "./rig.ts";

/** A pipeline's stage on a task's state that can be looked into: no turns, no stores. */
export function folding(pipeline: Pipeline) {
  const stage = planStages(pipeline)[0]!;
  const source = sourceOf(stage);
  const state = new TaskState();
  const fold = new Fold(
    {
      origin: { pipeline: pipeline.name, stage: stage.name, task: "task", partition: "0" },
      program: compileStage(pipeline, stage),
      source: source.name,
      intake: sourceIntake(source.name, kinesisFormat(source), source.disorder),
      poisonShare: 1,
      build: "test",
    },
    state,
  );
  let sequence = 0;
  return {
    state,
    fold,
    push: (...values: readonly { readonly key: string }[]) =>
      fold.records(values.map((value) => record(++sequence, value, { key: value.key }))),
    /** Entries of a table, without making it. */
    sizeOf: (table: string) => (state.hasTable(table) ? state.table(table).size : 0),
  };
}
