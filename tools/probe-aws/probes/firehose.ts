import { PutRecordBatchCommand, PutRecordCommand } from "@aws-sdk/client-firehose";
import { limit, type Probe } from "../probe.ts";

const RECORD_BYTES = 1_000 * 1_024;
const BATCH_RECORDS = 500;
const BATCH_BYTES = 4 * 1_024 * 1_024;

/** What sinks to the lake rest on. */
export const firehoseProbes: readonly Probe[] = [
  {
    service: "Firehose",
    assumption: "a record may have 1,000 KB, and no byte more",
    run({ clients: { firehose }, place: { deliveryStream } }) {
      const put = (bytes: number) =>
        firehose.send(
          new PutRecordCommand({ DeliveryStreamName: deliveryStream, Record: { Data: Buffer.alloc(bytes, 120) } }),
        );
      return limit(
        () => put(RECORD_BYTES),
        () => put(RECORD_BYTES + 1),
      );
    },
  },
  {
    service: "Firehose",
    assumption: "a batch may have 500 records, and no more",
    run({ clients: { firehose }, place: { deliveryStream } }) {
      const put = (records: number) =>
        firehose.send(
          new PutRecordBatchCommand({
            DeliveryStreamName: deliveryStream,
            Records: Array.from({ length: records }, () => ({ Data: Buffer.from("x") })),
          }),
        );
      return limit(
        () => put(BATCH_RECORDS),
        () => put(BATCH_RECORDS + 1),
      );
    },
  },
  {
    service: "Firehose",
    assumption: "a batch may have 4 MiB, and not a record more",
    run({ clients: { firehose }, place: { deliveryStream } }) {
      const Data = Buffer.alloc(512 * 1_024, 120);
      const put = (bytes: number) =>
        firehose.send(
          new PutRecordBatchCommand({
            DeliveryStreamName: deliveryStream,
            Records: Array.from({ length: bytes / Data.length }, () => ({ Data })),
          }),
        );
      return limit(
        () => put(BATCH_BYTES),
        () => put(BATCH_BYTES + Data.length),
      );
    },
  },
];
