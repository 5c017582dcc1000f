import type { Clients } from "../clients.ts";

/** What the stack of stack.ts has made: names, and URLs of queues. */
export interface Place {
  readonly table: string;
  readonly bucket: string;
  readonly queueUrl: string;
  /** Two shards, which only this command reads. */
  readonly stream: string;
  /** One shard, mapped to the function of function-code.ts. */
  readonly mappedStream: string;
  readonly deliveryStream: string;
}

export interface ProbeContext {
  readonly clients: Clients;
  readonly place: Place;
  /** Differs between runs, so that keys of one are not those of another. */
  readonly run: string;
  readonly sleep: (millis: number) => Promise<void>;
}

/** What was seen of an assumption. */
export interface Finding {
  /** Undefined where nothing was seen that says it. */
  readonly holds: boolean | undefined;
  readonly seen: string;
}

/** One thing that docs/spec.md, section 7, or the code takes for granted of a service. */
export interface Probe {
  readonly service: "DynamoDB" | "S3" | "SQS" | "Kinesis" | "Firehose" | "Lambda";
  readonly assumption: string;
  run(context: ProbeContext): Promise<Finding>;
}

/** What a request was refused with; undefined when it was not. */
export async function refusalOf(request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error.name;
    throw error;
  }
}

/** That the largest is taken, and then what is larger is refused. */
export async function limit(largest: () => Promise<unknown>, larger: () => Promise<unknown>): Promise<Finding> {
  const first = await refusalOf(largest());
  const second = await refusalOf(larger());
  return {
    holds: first === undefined && second !== undefined,
    seen: `${first === undefined ? "taken" : `refused (${first})`}; beyond it ${second === undefined ? "taken" : `refused (${second})`}`,
  };
}
