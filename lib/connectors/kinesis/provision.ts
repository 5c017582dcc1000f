import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { CheckedSource, Grant } from "../provisioned.ts";
import { streamPlace } from "../replication/copied-place.ts";
import { mapShards } from "../shard-mapping.ts";
import { KINESIS } from "./declare.ts";
import { keyExceptions, provisionStream } from "./provision-stream.ts";
import { ON_DEMAND_SHARDS, suspectAfterMillis, type CheckedMapping, type CheckedStream } from "./stream-settings.ts";

/** What a stage reads from Kinesis, and how; complete. */
export interface KinesisSettings {
  readonly stream: CheckedStream;
  readonly mapping: CheckedMapping;
  readonly iteratorAgeSeconds: number;
}

/** A stream as what a stage reads. */
export const kinesisInput = ({ stream: checked, mapping, iteratorAgeSeconds }: KinesisSettings): CheckedSource => ({
  connector: KINESIS,
  incarnation: checked.incarnation,
  ...(checked.startAt !== undefined && { startAt: checked.startAt }),
  concurrency: { partitions: checked.shards ?? ON_DEMAND_SHARDS, mayGrow: checked.shards === undefined },
  iteratorAgeSeconds,
  suspectAfterMillis: suspectAfterMillis(mapping),
  provision(scope, name, place) {
    const stream = provisionStream(scope, name, checked, place);
    const { streamName, streamArn, encryptionKey } = stream;
    return {
      address: {
        stream: streamName,
        streamArn,
        ...(checked.startAt !== undefined && { startAt: String(checked.startAt) }),
      },
      grants: [{ sid: "ReadStream", actions: READING, resources: [streamArn] }],
      keyArns: encryptionKey === undefined ? [] : [encryptionKey.keyArn],
      announced: [
        { name: "Stream", value: streamName, description: "Stream" },
        { name: "StreamArn", value: streamArn, description: "Stream" },
      ],
      exceptions: keyExceptions(stream, checked, place),
      records: { construct: stream, arn: streamArn },
      copiedFrom: streamPlace(stream),
      stream,
      isBilledByPut: checked.shards !== undefined,
      map: (within, id, target, onFailure) =>
        void mapShards(within, id, { sourceArn: streamArn, target, onFailure, mapping, startAt: checked.startAt }),
    };
  },
});

/**
 * What Lambda's poller needs of a stream, and what the runtime asks for to know whether a shard is at its tip (X12) and
 * which shards there are.
 */
const READING = [
  "kinesis:DescribeStream",
  "kinesis:DescribeStreamSummary",
  "kinesis:GetRecords",
  "kinesis:GetShardIterator",
  "kinesis:ListShards",
  // Nothing here reads by push, but Lambda's documentation wants it of every role of a mapping.
  "kinesis:SubscribeToShard",
];

/** Writing to exactly this stream: what a stage sends on, and which shards must be told how far it is. */
export const writeShuffle = ({ streamArn }: IStream): Grant => ({
  sid: "Shuffle",
  actions: ["kinesis:ListShards", "kinesis:PutRecords"],
  resources: [streamArn],
});
