import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { deliverInBatches, TAKEN, type Entry } from "../batched-delivery.ts";
import { deduplicationIdOf } from "../message-group.ts";
import { partsOf, withId } from "../row.ts";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";

/** Limits of one PutRecords request (AWS: Kinesis API reference). */
const MAX_RECORDS = 500;
const MAX_BYTES = 5 * 1_024 * 1_024;

interface Content {
  readonly PartitionKey: string;
  readonly Data: Uint8Array;
}

/** Delivers to a Kinesis stream. Its address has `stream`, the name. */
export const streamWriter: MakeWriter = (sink, address, { aws, wait }) => {
  const client = aws.of(KinesisClient);
  const stream = fieldOf(address, "stream", `The stream "${sink.name}"`);
  return {
    deliver: (deliveries) =>
      deliverInBatches(deliveries.map(entryOf), {
        what: `Stream ${stream}`,
        code: "kinesis/put",
        maxEntries: MAX_RECORDS,
        maxBytes: MAX_BYTES,
        wait,
        async send(batch) {
          const Records = batch.map(({ content }) => content);
          const answer = await client.send(new PutRecordsCommand({ StreamName: stream, Records }));
          // What Kinesis refuses in one request of many it may take in the next: it is throttled, or failing.
          return batch.map((_, i) => {
            const { ErrorCode: code, ErrorMessage: why = "", ShardId: shard } = answer.Records?.[i] ?? {};
            const isTaken = (code ?? undefined) === undefined && shard !== undefined;
            return isTaken ? TAKEN : { kind: "left", why: `${code ?? "no answer"}: ${why}` };
          });
        },
      }),
  };
};

/** PutRecords keeps no order within a request: a key has one record of it, and the next goes out when that was taken. */
function entryOf(delivery: Parameters<ReturnType<MakeWriter>["deliver"]>[0][number]): Entry<Content> {
  const { head, row } = partsOf(delivery.body);
  const { key } = head;
  const content = { PartitionKey: key ?? deduplicationIdOf(delivery.id), Data: Buffer.from(withId(delivery.id, row)) };
  return {
    delivery,
    content,
    bytes: content.Data.length + Buffer.byteLength(content.PartitionKey),
    ...(key !== undefined && { lane: key }),
  };
}
