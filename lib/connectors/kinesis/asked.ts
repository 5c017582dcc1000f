import { KinesisClient } from "@aws-sdk/client-kinesis";
import type { Services } from "../services.ts";
import { KinesisPartitions, type KinesisPartitionsSettings } from "./partitions.ts";

/** A stream's partitions, with the client that asks for them. */
export const kinesisPartitions = (
  { aws, wait }: Services,
  of: Pick<KinesisPartitionsSettings, "streamArn" | "startAt">,
): KinesisPartitions => new KinesisPartitions({ client: aws.of(KinesisClient), wait, ...of });
