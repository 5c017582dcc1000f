import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context } from "aws-lambda";
import { vi } from "vitest";
import { BINDINGS_VARIABLE, type Bindings } from "../../lib/plan/bindings.ts";
import { createChangelogTable, startDynamoDb, startS3, startShardList } from "./emulators.ts";

export interface HandlerServices {
  readonly dynamodb: DynamoDBClient;
  /** Ends the emulators, and takes the environment back. */
  stop(): Promise<void>;
}

/** What a stage's function is bound to where nothing takes its messages and rows. */
export const bindingsOf = (stage: string, streamArn: string, sinks: Bindings["sinks"]): Bindings => ({
  deployment: "test",
  stage,
  generation: 0,
  source: { connector: "kinesis", address: { stream: stage, streamArn }, incarnation: 0, suspectAfterMillis: 40_000 },
  table: "changelog",
  bucket: "state",
  deadLetterQueueUrl: "http://127.0.0.1:1/dead",
  tickQueueUrl: "http://127.0.0.1:1/ticks",
  tickQueues: {},
  shuffles: {},
  lookupTables: {},
  sinks,
});

/** Starts what a handler reads and writes, and sets the process's environment as Lambda would. */
export async function startHandlerServices(shards: readonly string[], bindings: Bindings): Promise<HandlerServices> {
  const emulators = await Promise.all([startDynamoDb(), startS3(), startShardList(shards)]);
  const [table, objects, stream] = emulators;
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", objects.endpoint);
  vi.stubEnv("AWS_ENDPOINT_URL_KINESIS", stream.endpoint);
  vi.stubEnv("POWERTOOLS_DEV", "true");
  vi.stubEnv(BINDINGS_VARIABLE, JSON.stringify(bindings));
  const dynamodb = new DynamoDBClient({});
  await createChangelogTable(dynamodb);
  return {
    dynamodb,
    stop: async () => {
      dynamodb.destroy();
      await Promise.all(emulators.map((emulator) => emulator.stop()));
      vi.unstubAllEnvs();
    },
  };
}

/** An invocation that has a minute. */
export const CONTEXT = {
  getRemainingTimeInMillis: () => 60_000,
  functionName: "f",
  awsRequestId: "r",
} as Context;

/** A record of a Kinesis event, as Lambda has it. */
export const kinesisRecord = (
  eventSourceARN: string,
  shard: string,
  sequence: number,
  payload: string,
  { partitionKey = "a", arrival = 1_000 } = {},
) => ({
  eventID: `${shard}:${sequence}`,
  eventSource: "aws:kinesis",
  eventSourceARN,
  kinesis: {
    data: Buffer.from(payload).toString("base64"),
    partitionKey,
    sequenceNumber: String(sequence),
    approximateArrivalTimestamp: arrival,
    kinesisSchemaVersion: "1.0",
  },
});
