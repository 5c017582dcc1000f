import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { groupIdOf } from "../message-group.ts";
import { declareRows, textFrom, type RowFor, type RowShape } from "../row.ts";

/** What makes a sink an SNS topic. */
export const TOPIC = "topic";

/** What one message, and one request, may take, in bytes, its attribute included (AWS: SNS API reference, PublishBatch). */
export const MAX_BYTES = 256 * 1_024;

export interface TopicDeclaration extends SinkDeclaration {
  readonly isFifo: boolean;
}

export interface TopicOptions<R> {
  /**
   * Makes it a FIFO topic. Rows of one group keep their order, and a row that is sent again within five minutes is dropped;
   * later it comes twice. A group has one message a request: the more groups, the faster.
   *
   * @default a standard topic: repeats are told by the attribute `output_id`
   */
  readonly fifo?: {
    /** The group that a row belongs to; one of other characters than ASCII's, or longer than 128, is its SHA-256. */
    readonly groupId: (row: R) => string;
  };
}

/**
 * An SNS topic, of one message of JSON a row. Each has the attribute `output_id`, the same however often it is sent.
 *
 * @example
 * const closed = topic("closed", { shop: text, at: timestamp });
 *
 * @param name the sink's name
 * @param shape columns, or a Standard Schema: then rows are what it takes
 * @throws definition errors `name/invalid`, `sink/shape`
 */
export function topic<S extends RowShape>(
  name: string,
  shape: S,
  { fifo }: TopicOptions<RowFor<S>> = {},
): Sink<RowFor<S>> & TopicDeclaration {
  const groupId = fifo?.groupId as ((row: never) => unknown) | undefined;
  const what = `${TOPIC}("${name}")`;
  return {
    ...declareRows({
      connector: TOPIC,
      name,
      shape,
      maxBytes: MAX_BYTES,
      headOf: groupId && ((row: never) => ({ group: groupIdOf(textFrom(what, "group", groupId(row))) })),
    }),
    isFifo: fifo !== undefined,
  };
}
