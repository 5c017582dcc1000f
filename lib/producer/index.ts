/** Putting events into a pipeline's streams: packed, compressed, and in order. */
export { createProducer, Producer, type ProducerOptions, type ProducerWorld } from "./producer.ts";
export type { Receipt } from "./lane.ts";
export type { Savings } from "./savings.ts";
export { kinesisTransport, type PutAnswer, type PutRecord, type Shard, type Transport } from "./transport.ts";
