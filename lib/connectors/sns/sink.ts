import { PublishBatchCommand, SNSClient, type PublishBatchRequestEntry } from "@aws-sdk/client-sns";
import type { Delivery } from "../../runtime/sink-writer.ts";
import { deliverInBatches, TAKEN, type Entry, type Outcome } from "../batched-delivery.ts";
import { deduplicationIdOf } from "../message-group.ts";
import { OUTPUT_ID, partsOf } from "../row.ts";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import { MAX_BYTES, type TopicDeclaration } from "./declare.ts";

const MAX_ENTRIES = 10;

/** What SNS says of a message that it will never take (AWS: SNS API reference, PublishBatch). */
const REFUSED: ReadonlySet<string> = new Set(["InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"]);

/** Delivers to a topic. Its address has `topicArn`. */
export const topicWriter: MakeWriter = (sink, address, { aws, wait }) => {
  const client = aws.of(SNSClient);
  const { name, isFifo } = sink as TopicDeclaration;
  const topicArn = fieldOf(address, "topicArn", `The topic "${name}"`);
  return {
    deliver: (deliveries) =>
      deliverInBatches(
        deliveries.map((delivery) => entryOf(delivery, isFifo)),
        {
          what: `Topic ${topicArn}`,
          code: "sns/publish",
          maxEntries: MAX_ENTRIES,
          maxBytes: MAX_BYTES,
          wait,
          async send(batch) {
            const entries = batch.map(({ content }, i) => ({ ...content, Id: String(i) }));
            const answer = await client.send(
              new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: entries }),
            );
            const outcomes = batch.map((): Outcome => TAKEN);
            for (const { Id, Code = "no code", Message = "" } of answer.Failed ?? []) {
              outcomes[Number(Id)] = { kind: REFUSED.has(Code) ? "refused" : "left", why: `${Code}: ${Message}` };
            }
            return outcomes;
          },
        },
      ),
  };
};

const TEXT = "String";

function entryOf(delivery: Delivery, isFifo: boolean): Entry<Omit<PublishBatchRequestEntry, "Id">> {
  const { head, row } = partsOf(delivery.body);
  const { group } = head;
  return {
    delivery,
    content: {
      Message: row,
      MessageAttributes: { [OUTPUT_ID]: { DataType: TEXT, StringValue: delivery.id } },
      ...(isFifo && { MessageGroupId: group, MessageDeduplicationId: deduplicationIdOf(delivery.id) }),
    },
    bytes: Buffer.byteLength(row + OUTPUT_ID + TEXT + delivery.id),
    lane: isFifo ? group : undefined,
  };
}
