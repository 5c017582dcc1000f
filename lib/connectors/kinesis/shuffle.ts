import { KinesisClient } from "@aws-sdk/client-kinesis";
import { ShuffleWriter } from "../../runtime/shuffle/writer.ts";
import type { Services } from "../services.ts";
import { KinesisInternalStream } from "./internal-stream.ts";

/** Sends to the stream between two stages. @param stream its name */
export const shuffleWriter = (stream: string, { aws, wait }: Services): ShuffleWriter =>
  new ShuffleWriter(new KinesisInternalStream({ client: aws.of(KinesisClient), stream, wait }));
