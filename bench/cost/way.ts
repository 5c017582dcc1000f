import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Batch, Hour } from "./events.ts";
import type { Tally } from "./tally.ts";

/** A way to fold events exactly once. */
export interface Way {
  readonly name: string;
  readonly about: string;
  /** Whether a batch changes nothing when it is given again cut otherwise, as AWS may after an error. */
  readonly isExactHoweverCut: boolean;
  /** Takes a batch, as a function does that a mapping invokes. Given again as it was it changes nothing. */
  take(batch: Batch): Promise<void>;
  /** What it holds in the end, read past the tally. */
  hours(): Promise<ReadonlyMap<string, Hour>>;
}

export interface World {
  /** Counts. */
  readonly client: DynamoDBClient;
  /** Does not. */
  readonly uncounted: DynamoDBClient;
  readonly tally: () => Tally;
  /** Tells this run's tables from others'. */
  readonly run: string;
}

/** Makes a way on tables of its own. */
export type MakeWay = (world: World) => Promise<Way>;

/** Records of a batch that are at work at the same time, in ways that handle them one by one. */
const CONCURRENCY = 16;

/** Does something with each, some at the same time. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
