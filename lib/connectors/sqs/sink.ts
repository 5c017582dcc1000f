import { SQSClient } from "@aws-sdk/client-sqs";
import { deduplicationIdOf } from "../message-group.ts";
import { OUTPUT_ID, partsOf } from "../row.ts";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import type { QueueDeclaration } from "./declare.ts";
import { sendDeliveries, type Message } from "./send.ts";

/** Delivers to a queue. Its address has `queueUrl`. */
export const queueWriter: MakeWriter = (sink, address, { aws, wait }) => {
  const { isFifo, name } = sink as QueueDeclaration;
  const queueUrl = fieldOf(address, "queueUrl", `The queue "${name}"`);
  const settings = { client: aws.of(SQSClient), queueUrl, wait, mayRefuse: true };
  return {
    deliver: (deliveries) =>
      sendDeliveries(
        settings,
        deliveries.map((delivery) => ({ delivery, message: messageOf(delivery.id, delivery.body, isFifo) })),
      ),
  };
};

function messageOf(id: string, body: string, isFifo: boolean): Message {
  const { head, row } = partsOf(body);
  return {
    body: row,
    attributes: { [OUTPUT_ID]: id },
    ...(isFifo && { group: head["group"]!, deduplicationId: deduplicationIdOf(id) }),
  };
}
