import { SQSClient } from "@aws-sdk/client-sqs";
import type { Services } from "../services.ts";
import { DeadLetterWriter, type DeadLetterWriterSettings } from "./dead-letters.ts";
import { TickWriter } from "./ticks.ts";

/** Writers to a stage's own queues, with their client. */
export const deadLetterWriter = (
  { aws, wait }: Services,
  of: Omit<DeadLetterWriterSettings, "client" | "wait">,
): DeadLetterWriter => new DeadLetterWriter({ client: aws.of(SQSClient), wait, ...of });

export const tickWriter = ({ aws, now, wait }: Services, queueUrl: string): TickWriter =>
  new TickWriter({ client: aws.of(SQSClient), queueUrl, now, wait });
