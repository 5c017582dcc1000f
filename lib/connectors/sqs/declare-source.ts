import type { StandardSchemaV1 } from "@standard-schema/spec";
import { declareUnordered, type UnorderedOptions, type UnorderedSource } from "../../pipeline/source.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";

/** What makes a source an SQS queue. */
export const SQS = "sqs";

/** What an SQS source has beside what every source has. */
export interface SqsDeclaration extends SourceDeclaration {
  readonly isFifo: boolean;
}

/** The settings of an SQS source. */
export interface SqsQueueOptions<S extends StandardSchemaV1> extends UnorderedOptions<S> {
  /**
   * Whether it is a FIFO queue: then messages of one group are worked off in their order, and where one fails the rest of its group
   * waits. @default false
   */
  readonly fifo?: boolean;
}

/**
 * An SQS queue of JSON messages. It has no positions and, but within the groups of a FIFO queue, no order: what follows it keeps no
 * state. Each message goes through at least once, and what comes of it has the same ids each time.
 *
 * @example
 * const orders = sqsQueue("orders", {
 *   schema: z.object({ id: z.string(), shop: z.string(), cents: z.number() }),
 *   id: (order) => order.id,
 * });
 * pipeline("take-orders", (flow) => {
 *   flow
 *     .from(orders)
 *     .filter("paid", (order) => order.cents > 0)
 *     .map("row", ({ id, shop, cents }) => ({ id, shop, cents: BigInt(cents) }))
 *     .to(stream("paid-orders", { id: text, shop: text, cents: bigint }, { key: { shop: (row) => row.shop } }));
 * });
 *
 * @param name the source's name in output ids, metrics and the deployed queue's name
 * @throws definition errors for settings that cannot be, naming them
 */
export function sqsQueue<S extends StandardSchemaV1>(
  name: string,
  { fifo = false, ...options }: SqsQueueOptions<S>,
): UnorderedSource<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>> & SqsDeclaration {
  return { ...declareUnordered(SQS, name, options), isFifo: fifo };
}
