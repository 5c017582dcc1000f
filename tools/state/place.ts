import { definitionError } from "../../lib/errors.ts";

/** A stage's tasks. */
export interface StageTasks {
  /** What their names begin with: all but the partition. */
  readonly tasks: string;
  /** The stream whose shards they are of. */
  readonly streamArn: string;
}

/** Where a pipeline's state is. */
export interface StatePlace {
  /** The changelog table. */
  readonly table: string;
  /** The state bucket. */
  readonly bucket: string;
  readonly stages: readonly StageTasks[];
}

const TABLE = "ChangelogTable";

/**
 * The place that a stack's outputs tell of (lib/cdk/README.md).
 *
 * @param prefix what the outputs' names begin with, where a stack has several pipelines
 * @throws definition error `state/outputs`
 */
export function statePlaceOf(outputs: Readonly<Record<string, string>>, stack: string, prefix?: string): StatePlace {
  const prefixes = Object.keys(outputs)
    .filter((name) => name.endsWith(TABLE))
    .map((name) => name.slice(0, -TABLE.length));
  if (prefix === undefined && prefixes.length > 1) {
    throw refuse(stack, `has ${prefixes.length} pipelines`, `Give --prefix, one of: ${prefixes.join(", ")}.`);
  }
  const own = prefix ?? prefixes[0] ?? "";
  const table = outputs[`${own}${TABLE}`];
  const bucket = outputs[`${own}StateBucket`];
  if (table === undefined || bucket === undefined) {
    throw refuse(stack, `has no output ${own}${TABLE}`, "Is it a stack with a MillracePipeline?");
  }
  // A stage has the name of what it reads.
  const stages = Object.entries(outputs).flatMap(([name, tasks]) => {
    const [, stage] = new RegExp(`^${own}Stage(.+)Tasks$`).exec(name) ?? [];
    const streamArn = outputs[`${own}Source${stage}StreamArn`] ?? outputs[`${own}Shuffle${stage}StreamArn`];
    return stage === undefined || streamArn === undefined ? [] : [{ tasks, streamArn }];
  });
  return { table, bucket, stages };
}

const refuse = (stack: string, problem: string, advice: string) =>
  definitionError({ code: "state/outputs", message: `The stack ${stack} ${problem}.`, advice });
