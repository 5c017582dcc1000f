import type { SQSEvent } from "aws-lambda";
import { systemicError } from "../errors.ts";

/**
 * Checks that a queue's event has the shape that Lambda gives it: one that has not is answered as a whole with an
 * error, since its messages cannot be named in an answer.
 *
 * @throws systemic error `sqs/event`
 */
export function checkedMessages(event: { readonly Records: readonly unknown[] }): SQSEvent["Records"] {
  event.Records.forEach((value, index) => {
    const wrong = wrongWith(value);
    if (wrong === undefined) return;
    throw systemicError({
      code: "sqs/event",
      message: `Record ${index} of the event ${wrong}.`,
      advice: "The function is invoked by the mappings of MillracePipeline alone.",
    });
  });
  return event.Records as SQSEvent["Records"];
}

function wrongWith(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "is no message";
  const { messageId, body, attributes } = value as Partial<Record<"messageId" | "body" | "attributes", unknown>>;
  if (typeof messageId !== "string" || messageId === "") return "has no messageId";
  if (typeof body !== "string") return "has no body";
  if (typeof attributes !== "object" || attributes === null)
    return attributes === undefined ? undefined : "is no message";
  const { ApproximateReceiveCount: count } = attributes as { readonly ApproximateReceiveCount?: unknown };
  return count === undefined || (typeof count === "string" && /^\d+$/.test(count))
    ? undefined
    : "has a receive count that is no number";
}
