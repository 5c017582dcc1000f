import middy from "@middy/core";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import type {
  Context,
  KinesisStreamBatchResponse,
  KinesisStreamEvent,
  SQSBatchResponse,
  SQSEvent,
  SQSRecord,
} from "aws-lambda";
import { systemicError } from "../errors.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { BUILD_VARIABLE, readBindings, type Bindings } from "../plan/bindings.ts";
import { parseControlMessage, type ControlMessage } from "../runtime/tick.ts";
import type { StageRuntime } from "../runtime/stage-runtime.ts";
import { taskName } from "../state/task-id.ts";
import { makeClients } from "./clients.ts";
import { recordsByShard } from "./kinesis-event.ts";
import { checkedMessages } from "./sqs-event.ts";
import { stageRuntime } from "./stage-runtime.ts";
import { Telemetry } from "./telemetry.ts";

export type StageEvent = KinesisStreamEvent | SQSEvent;
export type StageResponse = KinesisStreamBatchResponse | SQSBatchResponse;
export type StageHandler = (event: StageEvent, context: Context) => Promise<StageResponse>;

interface Stage {
  readonly bindings: Bindings;
  readonly runtime: StageRuntime;
  readonly telemetry: Telemetry;
}

/**
 * The Lambda handler of a pipeline: which of its stages it runs, and on what, its bindings say.
 *
 * It takes Kinesis events (records) and SQS events (ticks, drains, sweeps and redrives), and answers with the items that
 * must come again.
 *
 * @example
 * export const handler = lambdaHandler(flightDelays);
 */
export function lambdaHandler(pipeline: Pipeline): StageHandler {
  const bindings = readBindings(process.env);
  const telemetry = new Telemetry({ ...bindings, pipeline: pipeline.name }, Date.now);
  const build = process.env[BUILD_VARIABLE] ?? "unnamed";
  const runtime = stageRuntime(pipeline, bindings, makeClients(), telemetry, build);
  const stage: Stage = { bindings, telemetry, runtime };
  // Not early: Lambda's own time-out ends the process, and with it a turn that hangs. An early one would leave it
  // running into the next invocation.
  return middy<StageEvent, StageResponse>({ timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(telemetry.logger))
    .use(logMetrics(telemetry.metrics))
    .handler(async (event: StageEvent) => {
      try {
        return await handle(stage, event);
      } catch (thrown) {
        telemetry.failed("none", thrown);
        throw thrown;
      }
    });
}

async function handle(stage: Stage, event: StageEvent): Promise<StageResponse> {
  const [first] = (Array.isArray(event?.Records) ? event.Records : []) as readonly unknown[];
  if (typeof first === "object" && first !== null) {
    if ("kinesis" in first) return handleRecords(stage, event as KinesisStreamEvent);
    if ("receiptHandle" in first) return handleControl(stage, event as SQSEvent);
  }
  throw systemicError({
    code: "lambda/event",
    message: "The event is neither of Kinesis nor of SQS.",
    advice: "The function is invoked by the mappings of MillracePipeline alone.",
  });
}

/** Tasks are independent: one that fails is reported from its first record on, and the others run on. */
async function handleRecords(
  { bindings, runtime, telemetry }: Stage,
  event: KinesisStreamEvent,
): Promise<KinesisStreamBatchResponse> {
  const partitions = recordsByShard(event, bindings.source.streamArn);
  const failures = await Promise.all(
    partitions.map(async ({ partition, records }) => {
      try {
        telemetry.latencies(records, await runtime.records(partition, records));
        return [];
      } catch (thrown) {
        telemetry.failed(taskName(runtime.idOf(partition)), thrown);
        return [{ itemIdentifier: records[0]!.position.sequence }];
      }
    }),
  );
  return { batchItemFailures: failures.flat() };
}

/**
 * Redrives come last, one after the other: one that kills the process (X7) takes no tick with it, and no other redrive
 * is suspected in its place.
 */
async function handleControl(stage: Stage, event: SQSEvent): Promise<SQSBatchResponse> {
  const messages = checkedMessages(event).map((record) => ({ record, message: parseControlMessage(record.body) }));
  const isRedrive = ({ message }: (typeof messages)[number]) => message?.type === "redrive";
  const others = messages.filter((one) => !isRedrive(one));
  const failures = await Promise.all(others.map(({ record, message }) => control(stage, record, message)));
  for (const { record, message } of messages.filter(isRedrive)) failures.push(await control(stage, record, message));
  return { batchItemFailures: failures.flat() };
}

async function control(
  { runtime, telemetry }: Stage,
  { messageId, attributes }: SQSRecord,
  message: ControlMessage | undefined,
): Promise<SQSBatchResponse["batchItemFailures"]> {
  try {
    if (message === undefined) {
      throw systemicError({
        code: "lambda/control-message",
        message: "A message in the tick queue is neither a tick, a drain, a sweep nor a redrive.",
      });
    }
    await runtime.control(message, Number(attributes?.ApproximateReceiveCount ?? 1));
    return [];
  } catch (thrown) {
    telemetry.failed(named(message) ?? `message ${messageId}`, thrown);
    return [{ itemIdentifier: messageId }];
  }
}

/** What a control message is about, for the log: never its body, as a redrive's holds a record's payload. */
const named = (message: ControlMessage | undefined): string | undefined => {
  if (message === undefined) return undefined;
  if (message.type === "redrive") return message.letter.id;
  return "task" in message ? message.task : message.type;
};
