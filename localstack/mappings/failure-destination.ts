import { randomUUID } from "node:crypto";
import { LocalStackError, reasonOf } from "../errors.ts";
import type { Notice } from "../types.ts";
import type { Discard } from "./batch-runner.ts";
import type { MappingSettings } from "./mapping-settings.ts";
import { eventOf } from "./stream-record.ts";

/** Where discarded records' documents can go. */
export interface DestinationServices {
  readonly sendMessage: (queueName: string, body: string) => Promise<void>;
  readonly putObject: (bucket: string, key: string, body: Buffer) => void;
  readonly functionArn: string;
  readonly now: () => number;
  readonly onNotice: (notice: Notice) => void;
}

/** Reports records that a stream's mapping gives up, as AWS does: metadata to a queue, the event too to a bucket. */
export async function reportDiscard(
  settings: MappingSettings,
  shardId: string,
  discard: Discard,
  services: DestinationServices,
): Promise<void> {
  const to = settings.onFailure;
  const count = discard.records.length;
  services.onNotice({
    level: "warning",
    text: `${settings.logicalId}: ${count} records given up (${discard.condition})${to === undefined ? ", no destination" : ` to ${to}`}`,
  });
  if (to === undefined) return;
  const document = batchInfo(settings, shardId, discard, services);
  try {
    const [, , service, , , name = ""] = to.split(":");
    if (service === "sqs") await services.sendMessage(name, JSON.stringify(document));
    else if (service === "s3") {
      const payload = eventOf(discard.records).toString("utf8");
      services.putObject(
        name,
        objectKey(settings.id, shardId, services.now()),
        Buffer.from(JSON.stringify({ ...document, payload })),
      );
    } else throw new LocalStackError("DestinationUnknown", `destinations of ${String(service)} are not run`);
  } catch (error) {
    services.onNotice({
      level: "warning",
      text: `${settings.logicalId}: the on-failure destination failed (${reasonOf(error)})`,
    });
  }
}

function batchInfo(
  settings: MappingSettings,
  shardId: string,
  { condition, records, invokeCount, functionError }: Discard,
  services: DestinationServices,
): Record<string, unknown> {
  const first = records[0];
  const last = records.at(-1);
  return {
    requestContext: {
      requestId: randomUUID(),
      functionArn: services.functionArn,
      condition,
      approximateInvokeCount: invokeCount,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: "$LATEST",
      functionError: functionError ? "Unhandled" : null,
    },
    version: "1.0",
    timestamp: new Date(services.now()).toISOString(),
    [settings.sourceArn.split(":")[2] === "dynamodb" ? "DDBStreamBatchInfo" : "KinesisBatchInfo"]: {
      shardId,
      startSequenceNumber: first?.sequenceNumber,
      endSequenceNumber: last?.sequenceNumber,
      approximateArrivalOfFirstRecord: new Date(first?.arrivalMillis ?? 0).toISOString(),
      approximateArrivalOfLastRecord: new Date(last?.arrivalMillis ?? 0).toISOString(),
      batchSize: records.length,
      streamArn: settings.sourceArn,
    },
  };
}

/** `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random>`, as the Lambda guide has it. */
function objectKey(mapping: string, shardId: string, now: number): string {
  const time = new Date(now).toISOString();
  const date = time.slice(0, 10);
  return `aws/lambda/${mapping}/${shardId}/${date.replaceAll("-", "/")}/${time.slice(0, 19).replaceAll(":", ".")}-${randomUUID()}`;
}
