import { definitionError, poisonError } from "../../errors.ts";
import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { sampledTrace } from "../../state/traceparent.ts";
import { declareRows, textFrom, type RowFor, type RowShape } from "../row.ts";

/** What makes a sink an EventBridge event bus. */
export const EVENT_BUS = "event-bus";

/**
 * What one event may take, in bytes: AWS counts it as the event's JSON, of 1 MB, whose own fields take some. A target that takes
 * less, as SNS does, does not get it.
 */
export const MAX_BYTES = 1_000_000 - 2_048;

/** What EventBridge takes for a source and a detail type, in characters (AWS: EventBridge API reference, PutEventsRequestEntry). */
const MAX_SOURCE = 256;
const MAX_DETAIL_TYPE = 128;

export interface EventBusDeclaration extends SinkDeclaration {
  readonly source: string;
}

export interface EventBusOptions<R> {
  /** Who says so: a name of your own, which does not begin with `aws.`; 1 to 256 characters. */
  readonly source: string;
  /** What happened, for rules to match: 1 to 128 characters. */
  readonly detailType: string | ((row: R) => string);
  /** The W3C `traceparent` that the event goes on with, in X-Ray's words; what is none, or not sampled, is no trace. @default no event is traced */
  readonly trace?: (row: R) => string | undefined;
}

/**
 * An EventBridge event bus, of one event a row. The event's detail is the row, whose first field is `output_id`.
 *
 * @example
 * const shops = eventBus("shops", { shop: text, at: timestamp }, { source: "com.example.shops", detailType: "Shop closed" });
 *
 * @param name the sink's name
 * @param shape columns, or a Standard Schema: then rows are what it takes
 * @throws definition errors `name/invalid`, `sink/shape`, `sink/event`
 */
export function eventBus<S extends RowShape>(
  name: string,
  shape: S,
  { source, detailType, trace }: EventBusOptions<RowFor<S>>,
): Sink<RowFor<S>> & EventBusDeclaration {
  const what = `eventBus("${name}")`;
  const refuse = (problem: string, advice: string) =>
    definitionError({ code: "sink/event", message: `${what}: ${problem}.`, advice });
  if (source.length < 1 || source.length > MAX_SOURCE || source.startsWith("aws."))
    throw refuse(
      `the source ${JSON.stringify(source)} is none`,
      `It has 1 to ${MAX_SOURCE} characters, and "aws." is AWS's.`,
    );
  if (typeof detailType === "string" && !isDetailType(detailType))
    throw refuse("the detail type is none", `It has 1 to ${MAX_DETAIL_TYPE} characters.`);
  const typeOf = detailType as string | ((row: never) => unknown);
  const traceOf = trace as ((row: never) => unknown) | undefined;
  return {
    ...declareRows({
      connector: EVENT_BUS,
      name,
      shape,
      maxBytes: MAX_BYTES,
      idInRow: true,
      headOf: (row: never) => {
        const type = typeof typeOf === "string" ? typeOf : textFrom(what, "detail type", typeOf(row));
        if (!isDetailType(type)) {
          const message = `The detail type of a row for ${what} has ${type.length} characters; EventBridge takes 1 to ${MAX_DETAIL_TYPE}.`;
          throw poisonError({ code: "sink/row", message });
        }
        const traced = traceOf && sampledTrace(traceOf(row));
        return { type, ...(traced !== undefined && { trace: traced }) };
      },
    }),
    source,
  };
}

const isDetailType = (text: string): boolean => text.length >= 1 && text.length <= MAX_DETAIL_TYPE;
