import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { definitionError } from "../../lib/errors.ts";

/** A stage that takes letters back. */
export interface StagePlace {
  /** What the names of its tasks begin with; empty where nobody said. */
  readonly tasks: string;
  /** The tick queue. */
  readonly controlQueueUrl: string;
}

/** Where a pipeline's dead letters are, and where they go back to. */
export interface Place {
  readonly queueUrl: string;
  /** The state bucket: letters too large for a message lie there. */
  readonly bucket: string;
  readonly stages: readonly StagePlace[];
}

/** The stage whose task a letter is of; nothing for a letter of another deployment. */
export const stageOf = (place: Place, task: string): StagePlace | undefined =>
  place.stages.find(({ tasks }) => task.startsWith(tasks));

/** The outputs of a deployed stack, by name. @throws what CloudFormation says */
export async function outputsOf(stack: string): Promise<Readonly<Record<string, string>>> {
  const client = new CloudFormationClient({});
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    return Object.fromEntries(
      (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey!, OutputValue!]),
    );
  } finally {
    client.destroy();
  }
}

const QUEUE = "DeadLetterQueueUrl";

/**
 * The place that a stack's outputs tell of (lib/cdk/README.md).
 *
 * @param prefix what the outputs' names begin with, where a stack has several pipelines
 * @throws definition error `dead-letters/outputs`
 */
export function placeOf(outputs: Readonly<Record<string, string>>, stack: string, prefix?: string): Place {
  const prefixes = Object.keys(outputs)
    .filter((name) => name.endsWith(QUEUE))
    .map((name) => name.slice(0, -QUEUE.length));
  const [own = ""] = prefix === undefined ? prefixes : prefixes.filter((one) => one === prefix);
  const queueUrl = outputs[`${own}${QUEUE}`];
  if (queueUrl === undefined) {
    throw refuse(stack, `has no output ${prefix ?? ""}${QUEUE}`, "Is it a stack with a MillracePipeline?");
  }
  if (prefix === undefined && prefixes.length > 1) {
    throw refuse(stack, `has ${prefixes.length} pipelines`, `Give --prefix, one of: ${prefixes.join(", ")}.`);
  }
  const bucket = outputs[`${own}StateBucket`];
  const stages = Object.entries(outputs).flatMap(([name, tasks]) => {
    if (!name.startsWith(`${own}Stage`) || !name.endsWith("Tasks")) return [];
    const controlQueueUrl = outputs[`${name.slice(0, -"Tasks".length)}TickQueueUrl`];
    return controlQueueUrl === undefined ? [] : [{ tasks, controlQueueUrl }];
  });
  if (bucket === undefined || stages.length === 0) {
    throw refuse(
      stack,
      "does not say what its tasks are called, or where its state is",
      "Deploy it again with this version, or give --queue, --control-queue and --bucket.",
    );
  }
  return { queueUrl, bucket, stages };
}

const refuse = (stack: string, problem: string, advice: string) =>
  definitionError({ code: "dead-letters/outputs", message: `The stack ${stack} ${problem}.`, advice });
