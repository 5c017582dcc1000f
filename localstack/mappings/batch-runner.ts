import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import type { FunctionOutcome } from "../function/function-host.ts";
import type { Notice } from "../types.ts";
import { judgeAnswer } from "./batch-answer.ts";
import type { MappingSettings } from "./mapping-settings.ts";
import { compareSequence, eventOf, type StreamRecord } from "./stream-record.ts";

/** Why records were given up. */
export type DiscardCondition = "RetryAttemptsExhausted" | "RecordAgeExceeded";

export interface Discard {
  readonly condition: DiscardCondition;
  readonly records: readonly StreamRecord[];
  readonly invokeCount: number;
  readonly functionError: boolean;
}

export interface BatchRunnerContext {
  readonly settings: MappingSettings;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly signal: AbortSignal;
  /** Records that came before have left the stream (epoch milliseconds). @default none have */
  readonly expiredBefore?: () => number;
  readonly invoke: (event: Buffer) => Promise<FunctionOutcome>;
  /** Told of records that are given up; the shard goes on when it is done. */
  readonly discard: (discard: Discard) => Promise<void>;
  /** Told how many more records are dealt with, so that the checkpoint moves. */
  readonly onDone: (count: number) => void;
  readonly onNotice: (notice: Notice) => void;
}

/** A part of a batch that is still to be answered with success. */
interface Segment {
  readonly records: readonly StreamRecord[];
  readonly failures: number;
}

/** Lambda waits longer; locally a few tens of milliseconds are enough not to spin. */
const firstBackOffMillis = 50;
const largestBackOffMillis = 2_000;

/**
 * Sees a batch of one shard through: sends it, and again what of it failed, until all of it is dealt with. A
 * bisection is no retry; a retried part is sent before anything after it, so the shard's order holds.
 */
export async function runBatch(records: readonly StreamRecord[], context: BatchRunnerContext): Promise<void> {
  const segments: Segment[] = [{ records, failures: 0 }];
  while (!context.signal.aborted) {
    const segment = segments.shift();
    if (segment === undefined) return;
    const live = await withoutExpired(segment, context);
    if (live.records.length === 0) continue;
    const rest = await attempt(live, context);
    segments.unshift(...rest);
  }
}

/** Sends one segment. Gives what is left of it. */
async function attempt(segment: Segment, context: BatchRunnerContext): Promise<readonly Segment[]> {
  const { settings, faults } = context;
  const { records } = segment;
  const outcome = await context.invoke(eventOf(records));
  if (context.signal.aborted) return [segment];
  if (outcome.ok && faults.strikes("repeatBatch")) {
    faults.injectedOne("repeatBatch");
    return [segment];
  }
  const verdict = !outcome.ok
    ? ({ kind: "failure", reason: `${outcome.failure.errorType}: ${outcome.failure.errorMessage}` } as const)
    : settings.reportsItemFailures
      ? judgeAnswer(outcome.answer, (identifier) => records.some((record) => record.sequenceNumber === identifier))
      : ({ kind: "success" } as const);
  if (verdict.kind === "success") {
    context.onDone(records.length);
    return [];
  }
  const from = verdict.kind === "partial" ? lowestIndex(records, verdict.failed) : 0;
  if (from > 0) context.onDone(from);
  const remaining = records.slice(from);
  const reason = verdict.kind === "partial" ? `${verdict.failed.length} reported as failed` : verdict.reason;
  return afterFailure({ records: remaining, failures: segment.failures }, verdict.kind, from, reason, context);
}

async function afterFailure(
  segment: Segment,
  kind: "partial" | "failure",
  progress: number,
  reason: string,
  context: BatchRunnerContext,
): Promise<readonly Segment[]> {
  const { settings } = context;
  const { records, failures } = segment;
  const size = `${records.length} record${records.length === 1 ? "" : "s"}`;
  const cut = settings.bisects && (kind === "partial" ? progress > 0 : records.length > 1);
  const failed = cut ? failures : failures + 1;
  context.onNotice({ level: "info", text: `${settings.logicalId}: ${size} to be sent again (${reason})` });
  if (failed > settings.maximumRetries) {
    await context.discard({
      condition: "RetryAttemptsExhausted",
      records,
      invokeCount: failed,
      functionError: kind === "failure",
    });
    context.onDone(records.length);
    return [];
  }
  await context.clock.sleep(backOffMillis(failed), context.signal);
  if (!cut || kind === "partial") return [{ records, failures: failed }];
  const middle = Math.ceil(records.length / 2);
  return [
    { records: records.slice(0, middle), failures: failed },
    { records: records.slice(middle), failures: failed },
  ];
}

function backOffMillis(failures: number): number {
  return Math.min(largestBackOffMillis, firstBackOffMillis * 2 ** Math.max(0, Math.min(failures, 20) - 1));
}

/** Records too old are given up before they are sent; they are at the front, for a shard is in order of arrival. */
async function withoutExpired(segment: Segment, context: BatchRunnerContext): Promise<Segment> {
  const { maximumAgeMillis } = context.settings;
  const oldest = Math.max(context.clock.now() - maximumAgeMillis, context.expiredBefore?.() ?? 0);
  const firstLive = segment.records.findIndex((record) => record.arrivalMillis >= oldest);
  if (firstLive === 0) return segment;
  const count = firstLive < 0 ? segment.records.length : firstLive;
  await context.discard({
    condition: "RecordAgeExceeded",
    records: segment.records.slice(0, count),
    invokeCount: segment.failures,
    functionError: false,
  });
  context.onDone(count);
  return { ...segment, records: segment.records.slice(count) };
}

/** Where the lowest of the reported sequence numbers is: it and all after it is sent again. */
function lowestIndex(records: readonly StreamRecord[], failed: readonly string[]): number {
  const lowest = failed.reduce((least, identifier) => (compareSequence(identifier, least) < 0 ? identifier : least));
  return records.findIndex((record) => record.sequenceNumber === lowest);
}
