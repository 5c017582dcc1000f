import { deliveryPolicy, type DeliveryOptions } from "../../pipeline/backpressure.ts";
import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { groupIdOf } from "../message-group.ts";
import { declareRows, textFrom, type RowFor, type RowShape } from "../row.ts";

/** What makes a sink an SQS queue. */
export const QUEUE = "queue";

/** What one message may take, in bytes, its attribute included: many queues take no more than 256 KiB. */
const MAX_BYTES = 256 * 1_024;

export interface QueueDeclaration extends SinkDeclaration {
  readonly isFifo: boolean;
}

export interface QueueOptions<R> {
  /**
   * Makes it a FIFO queue. Rows of one group keep their order, and a row that is sent again within five minutes is dropped;
   * later it comes twice. A group has one message a request: the more groups, the faster.
   *
   * @default a standard queue: repeats are told by the attribute `output_id`
   */
  readonly fifo?: {
    /** The group that a row belongs to; one of other characters than ASCII's, or longer than 128, is its SHA-256. */
    readonly groupId: (row: R) => string;
  };
  /** How messages are sent, and when a queue that is down is left alone: docs/backpressure.md. */
  readonly delivery?: DeliveryOptions;
}

/**
 * An SQS queue, of one message of JSON a row. Each has the attribute `output_id`, the same however often it is sent.
 *
 * @example
 * const alerts = queue("alerts", { shop: text, at: timestamp, message: text }, { fifo: { groupId: (row) => row.shop } });
 *
 * @param name the sink's name
 * @param shape columns, or a Standard Schema: then rows are what it takes
 * @throws definition errors `name/invalid`, `sink/shape`
 */
export function queue<S extends RowShape>(
  name: string,
  shape: S,
  { fifo, delivery }: QueueOptions<RowFor<S>> = {},
): Sink<RowFor<S>> & QueueDeclaration {
  const groupId = fifo?.groupId as ((row: never) => unknown) | undefined;
  const what = `${QUEUE}("${name}")`;
  return {
    ...declareRows({
      connector: QUEUE,
      name,
      shape,
      maxBytes: MAX_BYTES,
      headOf: groupId && ((row: never) => ({ group: groupIdOf(textFrom(what, "group", groupId(row))) })),
    }),
    ...(delivery && { delivery: deliveryPolicy(what, delivery) }),
    isFifo: fifo !== undefined,
  };
}
