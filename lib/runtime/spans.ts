import { createHash } from "node:crypto";
import type { Output } from "../state/commit.ts";
import { outputId } from "../state/task-id.ts";
import { contextOf } from "../state/traceparent.ts";
import type { TracedCommit, TraceLink } from "./commit-traces.ts";

/** What a task did for traced records, in the names of OpenTelemetry. */
export interface Span {
  readonly name: "commit" | "fold" | "deliver";
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Nanoseconds since 1970, in decimal. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Of a commit: the spans that its records were sent by. */
  readonly links?: readonly SpanLink[];
  /** Of a commit: links beyond those that are kept. */
  readonly droppedLinksCount?: number;
}

/** A span that sent a record. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  /** `millrace.outputs.SINK`: the first ids of what was made of it; `millrace.outputs.dropped`: how many more there are. */
  readonly attributes: Readonly<Record<string, readonly string[] | number>>;
}

/** From when to when: epoch milliseconds. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Ids of outputs that a link names. */
export const MOST_OUTPUT_IDS = 8;
export const OUTPUTS = "millrace.outputs.";
export const DROPPED_OUTPUTS = `${OUTPUTS}dropped`;

/**
 * The span of a commit. Its id is derived: whoever tells of the commit again, tells it of the same span.
 *
 * @param outputs all of the commit's
 */
export function commitSpan(
  task: string,
  epoch: number,
  { links, dropped }: TracedCommit,
  outputs: readonly Output[],
  interval: Interval,
): Span {
  const { traceId, spanId } = contextOf(links[0]!.trace);
  return {
    ...spanOf(task, epoch, "commit", interval),
    traceId,
    parentSpanId: spanId,
    links: links.map((link) => linkOf(task, epoch, link, outputs)),
    ...(dropped > 0 && { droppedLinksCount: dropped }),
  };
}

/** A part of what a commit's span tells. */
export function childSpan(task: string, epoch: number, commit: Span, name: Span["name"], interval: Interval): Span {
  return { ...spanOf(task, epoch, name, interval), traceId: commit.traceId, parentSpanId: commit.spanId };
}

const OPERATIONS = { commit: "process", fold: "process", deliver: "send" } as const;

const spanOf = (task: string, epoch: number, name: Span["name"], { start, end }: Interval) => ({
  name,
  spanId: createHash("sha256").update(`${task}@${epoch} ${name}`).digest("hex").slice(0, 16),
  startTimeUnixNano: nanos(start),
  endTimeUnixNano: nanos(end),
  attributes: { "millrace.task": task, "millrace.epoch": epoch, "messaging.operation.type": OPERATIONS[name] },
});

function linkOf(task: string, epoch: number, { trace, outputs: places }: TraceLink, outputs: readonly Output[]) {
  const bySink: Record<string, string[]> = {};
  for (const place of places.slice(0, MOST_OUTPUT_IDS)) {
    (bySink[`${OUTPUTS}${outputs[place]!.sink}`] ??= []).push(outputId(task, epoch, place));
  }
  const dropped = places.length - MOST_OUTPUT_IDS;
  return { ...contextOf(trace), attributes: { ...bySink, ...(dropped > 0 && { [DROPPED_OUTPUTS]: dropped }) } };
}

const nanos = (millis: number): string => (BigInt(Math.round(millis)) * 1_000_000n).toString();
