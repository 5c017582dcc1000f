import { definitionError } from "../../errors.ts";

/** What makes a source a Kafka source. */
export const KAFKA = "kafka";

/** What Kafka calls topics (org.apache.kafka.common.internals.Topic). */
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

/** @param what names the source or sink @throws definition error `kafka/topic` */
export function checkTopic(what: string, topic: unknown): string {
  if (typeof topic === "string" && TOPIC.test(topic) && topic !== "." && topic !== "..") return topic;
  throw definitionError({
    code: "kafka/topic",
    message: `${what}: the topic cannot be named ${JSON.stringify(topic)}.`,
    advice: 'Names of topics have 1 to 249 letters, digits, ".", "_" and "-".',
  });
}

/** A partition as Lambda names it, and as tasks are named: `orders-0`. */
export const partitionName = (topic: string, partition: number): string => `${topic}-${partition}`;

/** The number of a partition that {@link partitionName} named. */
export const partitionNumber = (name: string): number => Number(name.slice(name.lastIndexOf("-") + 1));
