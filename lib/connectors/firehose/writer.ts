import { FirehoseClient } from "@aws-sdk/client-firehose";
import type { Services } from "../services.ts";
import { FirehoseWriter, type FirehoseWriterSettings } from "./deliver.ts";

/** A writer with its client. */
export const firehoseWriter = (
  { aws, wait }: Services,
  of: Pick<FirehoseWriterSettings, "lake" | "deliveryStream">,
): FirehoseWriter => new FirehoseWriter({ client: aws.of(FirehoseClient), wait, ...of });
