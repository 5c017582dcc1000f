import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import type { Delivery } from "../../runtime/sink-writer.ts";
import type { Traceparent } from "../../state/traceparent.ts";
import { deliverInBatches, TAKEN, type Entry, type Outcome } from "../batched-delivery.ts";
import { partsOf, withId } from "../row.ts";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import { MAX_BYTES, type EventBusDeclaration } from "./declare.ts";

const MAX_ENTRIES = 10;

/** What EventBridge says of an event that it will never take (AWS: EventBridge API reference, PutEventsResultEntry). */
const REFUSED: ReadonlySet<string> = new Set(["MalformedDetail", "InvalidArgument"]);

/** Delivers to an event bus. Its address has `eventBus`, the name or ARN. */
export const eventBusWriter: MakeWriter = (sink, address, { aws, wait }) => {
  const client = aws.of(EventBridgeClient);
  const { name, source } = sink as EventBusDeclaration;
  const eventBus = fieldOf(address, "eventBus", `The event bus "${name}"`);
  return {
    deliver: (deliveries) =>
      deliverInBatches(
        deliveries.map((delivery) => entryOf(delivery, source, eventBus)),
        {
          what: `Event bus ${eventBus}`,
          code: "eventbridge/put",
          maxEntries: MAX_ENTRIES,
          maxBytes: MAX_BYTES,
          wait,
          async send(batch) {
            const answer = await client.send(new PutEventsCommand({ Entries: batch.map(({ content }) => content) }));
            return batch.map((_, i): Outcome => {
              const { EventId, ErrorCode = "no answer", ErrorMessage = "" } = answer.Entries?.[i] ?? {};
              if (EventId !== undefined) return TAKEN;
              return { kind: REFUSED.has(ErrorCode) ? "refused" : "left", why: `${ErrorCode}: ${ErrorMessage}` };
            });
          },
        },
      ),
  };
};

function entryOf(delivery: Delivery, source: string, eventBus: string): Entry<PutEventsRequestEntry> {
  const { head, row } = partsOf(delivery.body);
  const { type = "", trace } = head;
  const detail = withId(delivery.id, row);
  return {
    delivery,
    content: {
      EventBusName: eventBus,
      Source: source,
      DetailType: type,
      Detail: detail,
      ...(trace !== undefined && { TraceHeader: traceHeaderOf(trace) }),
    },
    bytes: Buffer.byteLength(detail + source + type),
  };
}

/** X-Ray's tracing header of a sampled W3C traceparent (AWS: X-Ray developer guide, trace ids of W3C's form). */
export function traceHeaderOf(trace: Traceparent): string {
  const [, traceId, parentId] = trace.split("-") as [string, string, string];
  return `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${parentId};Sampled=1`;
}
