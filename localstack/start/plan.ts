import { explain, type Measured, type Pipeline } from "millrace";
import type { TaskStatus } from "millrace/lambda";
import type { Stage } from "../../lib/plan/stage.ts";
import type { Printer } from "./print.ts";

/** A stage, and what its tasks have counted. */
export interface MeasuredStage {
  readonly stage: Stage;
  readonly tasks: readonly Pick<TaskStatus, "counters">[];
}

/** What the stages that lead to each shuffle counted there. The reader counts under the same name: what came in. */
export function measuredOf(stages: readonly MeasuredStage[]): Measured {
  const measured = new Map<string, { folded: number; sent: number }>();
  for (const { stage, tasks } of stages) {
    for (const { name } of stage.shuffles.flatMap(({ keyBys }) => keyBys)) {
      const sum = measured.get(name) ?? { folded: 0, sent: 0 };
      for (const { counters } of tasks) {
        sum.folded += counters.get(name)?.folded ?? 0;
        sum.sent += counters.get(name)?.sent ?? 0;
      }
      measured.set(name, sum);
    }
  }
  return measured;
}

/** Prints how the pipeline ran, and what aggregating before its shuffles has saved. */
export function reportPlan(pipeline: Pipeline, stages: readonly MeasuredStage[], printer: Printer): void {
  printer.section("The plan, and what was sent between its stages");
  for (const line of explain(pipeline, measuredOf(stages)).trimEnd().split("\n")) printer.line(line && `  ${line}`);
}
