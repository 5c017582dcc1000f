import { setTimeout } from "node:timers/promises";
import middy from "@middy/core";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { firstRecord } from "../connectors/first-record.ts";
import type { Services } from "../connectors/services.ts";
import type { SourceConnector } from "../connectors/source-connector.ts";
import { sourceConnector, unorderedConnector } from "../connectors/source-connectors.ts";
import type { UnorderedWork } from "../connectors/unordered-connector.ts";
import { systemicError } from "../errors.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { BUILD_VARIABLE, readBindings, type Bindings } from "../plan/bindings.ts";
import { parseControlMessage, type ControlMessage } from "../runtime/tick.ts";
import type { Wait } from "../runtime/retries.ts";
import type { StageRuntime } from "../runtime/stage-runtime.ts";
import { taskName } from "../state/task-id.ts";
import { awsClients } from "./clients.ts";
import { parseEventsWith } from "./event-parser.ts";
import { Invocations } from "./invocations.ts";
import { checkedMessages } from "./sqs-event.ts";
import { stageRuntime, unorderedRuntime } from "./stage-runtime.ts";
import { Telemetry } from "./telemetry.ts";

/** What Lambda's mappings send: records of the stage's source, or messages of its tick queue. */
export type StageEvent = object;

/** What must come again, in the words of the mapping. */
export interface StageResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: unknown }[];
}

export type StageHandler = (event: StageEvent, context: Context) => Promise<StageResponse>;

/** A stage that is loaded. */
type Handle = (event: StageEvent) => Promise<StageResponse>;

interface Stage {
  readonly bindings: Bindings;
  readonly connector: SourceConnector;
  readonly services: Services;
  readonly runtime: StageRuntime;
  readonly telemetry: Telemetry;
}

/**
 * The Lambda handler of a pipeline: which of its stages it runs, and on what, its bindings say.
 *
 * It takes events of the stage's source (records) and of its tick queue (ticks, drains, sweeps and redrives), and answers with the items that
 * must come again.
 *
 * @example
 * export const handler = lambdaHandler(flightDelays);
 */
export function lambdaHandler(pipeline: Pipeline): StageHandler {
  const bindings = readBindings(process.env);
  const telemetry = new Telemetry({ ...bindings, pipeline: pipeline.name }, Date.now);
  const build = process.env[BUILD_VARIABLE] ?? "unnamed";
  // Begun at once: what it loads is loaded while Lambda starts the function.
  const invocations = new Invocations();
  const loading = loadStage(pipeline, bindings, { telemetry, build, invocations });
  loading.catch(() => undefined); // every invocation says so
  // Not early: Lambda's own time-out ends the process, and with it a turn that hangs. An early one would leave it
  // running into the next invocation.
  return middy<StageEvent, StageResponse>({ timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(telemetry.logger))
    .use(logMetrics(telemetry.metrics))
    .handler(async (event: StageEvent, context) => {
      try {
        const handle = await loading;
        return await invocations.run(context, () => handle(event));
      } catch (thrown) {
        telemetry.failed("none", thrown);
        throw thrown;
      }
    });
}

interface Around {
  readonly telemetry: Telemetry;
  readonly build: string;
  readonly invocations: Invocations;
}

async function loadStage(
  pipeline: Pipeline,
  bindings: Bindings,
  { telemetry, build, invocations }: Around,
): Promise<Handle> {
  const wait: Wait = Object.assign((millis: number): Promise<void> => setTimeout(millis), {
    jitter: Math.random,
    left: () => invocations.left(),
    retried: () => telemetry.retried(),
  });
  const services: Services = { aws: awsClients(), now: Date.now, wait };
  const around = { services, observer: telemetry, build };
  const { connector: name, address } = bindings.source;
  const unordered = await unorderedConnector(name);
  if (unordered !== undefined) {
    const runtime = await unorderedRuntime(pipeline, bindings, around);
    const work: UnorderedWork = { address, services, runtime, ...tellingOf(telemetry) };
    return async (event) => {
      if (unordered.isEvent(event, address)) {
        return { batchItemFailures: (await unordered.work(event, work)).map((itemIdentifier) => ({ itemIdentifier })) };
      }
      if (isSqsEvent(event)) return handleControl({ runtime, telemetry }, event);
      throw strangeEvent(name);
    };
  }
  const connector = await sourceConnector(name);
  if (connector.parseEvent !== undefined) parseEventsWith(connector.parseEvent);
  const runtime = await stageRuntime(pipeline, bindings, { ...around, connector });
  return (event) => handle({ bindings, connector, services, telemetry, runtime }, event);
}

const tellingOf = (telemetry: Telemetry): Pick<UnorderedWork, "failed" | "notice"> => ({
  failed: (what, thrown) => telemetry.failed(what, thrown),
  notice: (what, text) => telemetry.notice(what, text),
});

const strangeEvent = (connector: string) =>
  systemicError({
    code: "lambda/event",
    message: `The event is neither of ${connector} nor of SQS.`,
    advice: "The function is invoked by the mappings of MillracePipeline alone.",
  });

async function handle(stage: Stage, event: StageEvent): Promise<StageResponse> {
  if (stage.connector.isEvent(event)) return handleRecords(stage, event);
  if (isSqsEvent(event)) return handleControl(stage, event);
  throw strangeEvent(stage.bindings.source.connector);
}

const isSqsEvent = (event: unknown): event is SQSEvent => "receiptHandle" in (firstRecord(event) ?? {});

/** Tasks are independent: one that fails is reported from its first record on, and the others run on. */
async function handleRecords(
  { bindings, connector, services, runtime, telemetry }: Stage,
  event: StageEvent,
): Promise<StageResponse> {
  const { address } = bindings.source;
  const read = connector.recordsOf(event, address);
  const partitions = await Promise.all(read.map(async (one) => connector.locate?.(one, address, services) ?? one));
  const failures = await Promise.all(
    partitions.map(async (partition) => {
      try {
        const { records } = partition;
        telemetry.latencies(records, await runtime.records(partition.partition, records));
        return [];
      } catch (thrown) {
        telemetry.failed(taskName(runtime.idOf(partition.partition)), thrown);
        return [{ itemIdentifier: connector.itemOf(partition, address) }];
      }
    }),
  );
  return { batchItemFailures: failures.flat() };
}

/** What messages of the tick queue are for. */
interface Controlled {
  readonly runtime: { control(message: ControlMessage, receives: number): Promise<unknown> };
  readonly telemetry: Telemetry;
}

/**
 * Redrives come last, one after the other: one that kills the process (X7) takes no tick with it, and no other redrive
 * is suspected in its place.
 */
async function handleControl(stage: Controlled, event: SQSEvent): Promise<SQSBatchResponse> {
  const messages = checkedMessages(event).map((record) => ({ record, message: parseControlMessage(record.body) }));
  const isRedrive = ({ message }: (typeof messages)[number]) => message?.type === "redrive";
  const others = messages.filter((one) => !isRedrive(one));
  const failures = await Promise.all(others.map(({ record, message }) => control(stage, record, message)));
  for (const { record, message } of messages.filter(isRedrive)) failures.push(await control(stage, record, message));
  return { batchItemFailures: failures.flat() };
}

async function control(
  { runtime, telemetry }: Controlled,
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
