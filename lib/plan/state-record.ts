import { definitionError } from "../errors.ts";
import { operatorOfTable } from "../operators/stateful.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import type { StateShapes } from "../state/commit.ts";
import { stageStateOf } from "./compile.ts";
import { planStages, type Stage } from "./stage.ts";

/** What a stage's tasks keep, and what their names depend on. */
export interface StageRecord {
  readonly name: string;
  readonly input: "source" | "shuffle";
  readonly incarnation: number;
  /** How many partitions its keys are dealt out to, where that says which one a key is on. */
  readonly partitions?: number;
  /** Epoch seconds: what arrived before is not read. */
  readonly startAt?: number;
  readonly shapes: StateShapes;
}

/** What state a deployment of a pipeline has: enough to tell whether the next one goes on with it. */
export interface StateRecord {
  readonly format: 1;
  readonly pipeline: string;
  readonly generation: number;
  readonly stages: readonly StageRecord[];
}

export interface RecordSettings {
  readonly generation: number;
  /** Of a stage's stream, by the stage's name. */
  readonly incarnationOf: (stage: string) => number;
  /** Of a stage's stream: epoch seconds. @default all is read */
  readonly startOf?: (stage: string) => number | undefined;
}

export const stateRecordOf = (
  pipeline: Pipeline,
  { generation, incarnationOf, startOf }: RecordSettings,
): StateRecord => ({
  format: 1,
  pipeline: pipeline.name,
  generation,
  stages: planStages(pipeline).map((stage) => ({
    name: stage.name,
    input: stage.input.kind,
    incarnation: incarnationOf(stage.name),
    ...partitionsOf(stage),
    ...(startOf?.(stage.name) !== undefined && { startAt: startOf(stage.name)! }),
    shapes: stageStateOf(pipeline, stage).shapes,
  })),
});

const partitionsOf = ({ input }: Stage): Pick<StageRecord, "partitions"> => {
  const partitions = input.kind === "source" ? input.source.partitions : undefined;
  return partitions === undefined ? {} : { partitions };
};

/**
 * Refuses to go from what is deployed to what would be, where state would be lost or could not be read. A raised
 * generation begins everything anew, and a raised incarnation its stage: these are asked for.
 *
 * @throws definition error `deploy/state-loss`; systemic errors `state/shape`, `state/newer`, as the tasks would
 */
export function refuseStateLoss(pipeline: Pipeline, next: StateRecord, before: StateRecord): void {
  if (next.generation > before.generation) return;
  if (next.generation < before.generation) {
    throw loss(
      `Generation ${before.generation} is deployed, and this is ${next.generation}`,
      "Tasks would go on with state of long ago: raise the generation instead.",
    );
  }
  const stages = new Map(planStages(pipeline).map((stage) => [stage.name, stage]));
  for (const was of before.stages) {
    const stage = stages.get(was.name);
    const is = next.stages.find(({ name }) => name === was.name);
    if (stage === undefined || is === undefined) {
      refuseMissing(pipeline, was);
      continue;
    }
    if (is.incarnation > was.incarnation) continue;
    if (is.incarnation < was.incarnation) {
      throw loss(
        `The stream of stage "${was.name}" is of incarnation ${was.incarnation}, and this is ${is.incarnation}`,
        "Incarnations only rise.",
      );
    }
    if ((is.startAt ?? 0) > (was.startAt ?? 0)) {
      throw loss(
        `The stream of stage "${was.name}" is read ${from(was.startAt)} where it is deployed, and ${from(is.startAt)} here`,
        "Lambda would begin anew there, and pass over what was not read yet: keep it, or begin anew with a raised generation.",
      );
    }
    if (is.input !== was.input && heldBy(pipeline, was).length > 0) {
      throw loss(
        `Stage "${was.name}" reads a ${was.input} where it is deployed, and a ${is.input} here`,
        "State is placed by other keys there: give the source or the keyBy another name.",
      );
    }
    if (is.partitions !== was.partitions && heldBy(pipeline, was).length > 0) {
      throw loss(
        `Keys of stage "${was.name}" are dealt out to ${named(was.partitions)} where it is deployed, and to ${named(is.partitions)} here`,
        "Keys would move, and their state would not: keep the number, or begin anew with a raised incarnation.",
      );
    }
    const task = `${before.pipeline}:${before.generation}:${was.name}`;
    stageStateOf(pipeline, stage).check(was.shapes, { task, build: "deployed" });
  }
}

const from = (startAt: number | undefined): string =>
  startAt === undefined ? "from its beginning" : `from ${new Date(startAt * 1_000).toISOString()} on`;

const named = (partitions: number | undefined): string =>
  partitions === undefined ? "no declared number of partitions" : `${partitions} partitions`;

/** The operators of a stage whose state is not to go. */
const heldBy = ({ dropped }: Pipeline, { shapes }: StageRecord): readonly string[] => {
  const operators = Object.entries(shapes).flatMap(([table, shape]) =>
    shape === "dropped" ? [] : [operatorOfTable(table)],
  );
  return [...new Set(operators)].filter((operator) => !dropped.includes(operator));
};

function refuseMissing(pipeline: Pipeline, was: StageRecord): void {
  const held = heldBy(pipeline, was);
  // A keyBy's name is its stage's.
  if (held.length === 0 || pipeline.dropped.includes(was.name)) return;
  const names = was.input === "shuffle" ? [was.name] : held;
  throw loss(
    `Stage "${was.name}" is deployed and keeps state of ${held.map((name) => `"${name}"`).join(", ")}; this pipeline has no such stage`,
    `A stage has the name of its source, or of the keyBy that leads to it: give it that name again. If the state is to go, ` +
      `give the pipeline dropped: ${JSON.stringify(names)}.`,
  );
}

const loss = (message: string, advice: string) =>
  definitionError({ code: "deploy/state-loss", message: `${message}.`, advice });

/** A record as it was written; undefined for what is none. */
export function stateRecordIn(value: unknown): StateRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { format, pipeline, generation, stages } = value as Partial<Record<keyof StateRecord, unknown>>;
  if (format !== 1 || typeof pipeline !== "string" || !Number.isSafeInteger(generation)) return undefined;
  if (!Array.isArray(stages) || !stages.every(isStage)) return undefined;
  return { format, pipeline, generation: generation as number, stages };
}

function isStage(value: unknown): value is StageRecord {
  if (typeof value !== "object" || value === null) return false;
  const { name, input, incarnation, partitions, startAt, shapes } = value as Partial<
    Record<keyof StageRecord, unknown>
  >;
  if (typeof name !== "string" || (input !== "source" && input !== "shuffle")) return false;
  if (partitions !== undefined && !Number.isSafeInteger(partitions)) return false;
  if (startAt !== undefined && !Number.isSafeInteger(startAt)) return false;
  if (!Number.isSafeInteger(incarnation) || typeof shapes !== "object" || shapes === null) return false;
  return Object.values(shapes).every((shape) => typeof shape === "string");
}
