import { Duration as CdkDuration } from "aws-cdk-lib";
import { Stream, StreamEncryption, StreamMode, type IStream } from "aws-cdk-lib/aws-kinesis";
import type { Construct } from "constructs";
import type { Exception, Place } from "../provisioned.ts";
import type { CheckedStream } from "./stream-settings.ts";

/** A stream: the one that is there already, or a new one, whose name is generated, so that two deployments never meet. */
export function provisionStream(
  scope: Construct,
  name: string,
  checked: CheckedStream,
  { removalPolicy, encryptionKey }: Place,
): IStream {
  if (checked.existing !== undefined) return checked.existing;
  // The incarnation is in the logical id: a new stream and a new incarnation cannot come without each other (X6).
  const id = checked.incarnation === 0 ? name : `${name}-${checked.incarnation}`;
  return new Stream(scope, id, {
    ...(checked.shards === undefined
      ? { streamMode: StreamMode.ON_DEMAND }
      : { streamMode: StreamMode.PROVISIONED, shardCount: checked.shards }),
    retentionPeriod: CdkDuration.hours(checked.retentionHours),
    ...(encryptionKey === undefined
      ? { encryption: StreamEncryption.MANAGED }
      : { encryption: StreamEncryption.KMS, encryptionKey }),
    removalPolicy,
  });
}

/** What cdk-nag says of a stream that has the user's own key. */
export const keyExceptions = (
  construct: IStream,
  { existing }: CheckedStream,
  { encryptionKey }: Place,
): readonly Exception[] => (existing === undefined && encryptionKey !== undefined ? [{ construct, ...OWN_KEY }] : []);

const OWN_KEY = {
  rule: "AwsSolutions-KDS3",
  reason: "The user's own key was asked for, which costs a charge that AWS's does not.",
};
