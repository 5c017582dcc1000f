import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { Duration } from "../../time/duration.ts";
import { MAX_INSTANT } from "../../time/instant.ts";
import { refuseSetting, secondsWithin, wholeWithin } from "../limits.ts";

/** A source's data stream. */
export interface StreamSettings {
  /** Who decides how many shards there are: you, or Kinesis, which splits and merges them as the load asks for. @default "provisioned" */
  readonly mode?: "provisioned" | "on-demand";
  /** Shards of a provisioned stream, 1 to 10,000: each takes 1 MB/s or 1,000 records/s. An on-demand stream has no such setting. @default 1 */
  readonly shards?: number;
  /** How long the stream keeps records, 24 hours to 365 days; what is not read by then is lost. @default 24 hours */
  readonly retention?: Duration;
  /** Who chooses a record's shard: only its partition key may, since state is kept by key. @default "partition-key" */
  readonly distribution?: "partition-key" | "service-managed";
  /** A source's stream that is there already, in place of one that is made: its mode and shards are its own; `retention` says what its own is. @default one is made */
  readonly existing?: IStream;
  /**
   * Of a source's stream: tasks that have read nothing begin with what arrived then or later; to the second, rounded down. Once
   * deployed it never rises, but with a raised generation or incarnation: what lies between would not be read. @default what the stream has
   */
  readonly startAt?: Date;
  /** Which of the streams that ever fed this source, 0 or more; raising it makes a new stream. @default 0 */
  readonly incarnation?: number;
}

/** How Lambda reads a source's stream. What invariant X6 fixes is not a setting. */
export interface MappingSettings {
  /** The most records of a batch, 1 to 10,000; a batch costs one write. @default 1,000 */
  readonly batchSize?: number;
  /** How long a batch may be collected, 0 to 300 seconds; whole seconds. @default 5 seconds */
  readonly batchingWindow?: Duration;
  /** Batches of one shard that run at the same time: only 1 keeps a shard's order. @default 1 */
  readonly parallelizationFactor?: number;
  /**
   * Where a new mapping begins. LATEST is for topics of a stage without state; a stream is read from a time on by its `startAt`.
   * @default "TRIM_HORIZON"
   */
  readonly startingPosition?: "TRIM_HORIZON" | "LATEST" | "AT_TIMESTAMP";
}

/** {@link StreamSettings}, checked and complete. */
export interface CheckedStream {
  /** The stream that is there already, if one is. */
  readonly existing: IStream | undefined;
  /** None for an on-demand stream, and for one that is there already. */
  readonly shards: number | undefined;
  readonly retentionHours: number;
  readonly incarnation: number;
  /** Epoch seconds; undefined where all is read that is there. */
  readonly startAt?: number;
}

/** {@link MappingSettings}, checked and complete. */
export interface CheckedMapping {
  readonly batchSize: number;
  readonly batchingWindowSeconds: number;
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
}

const HOUR = 3_600;

/** Shards that an on-demand stream begins with: 4 MB/s or 4,000 records/s (Kinesis: "Choose the right mode"). */
export const ON_DEMAND_SHARDS = 4;

/** @param what names the stream in errors @throws definition errors naming the limit and the value given */
export function checkStream(what: string, settings: StreamSettings): CheckedStream {
  const onDemand = settings.mode === "on-demand";
  if (settings.distribution === "service-managed") {
    throw refuseSetting(
      `${what}.distribution`,
      `"service-managed"${onDemand ? " (on-demand)" : ""}`,
      'It ignores partition keys, so a key would have state on every shard; only "partition-key" is possible.',
    );
  }
  if (onDemand && settings.shards !== undefined) {
    throw refuseSetting(
      `${what}.shards`,
      `${settings.shards} of an "on-demand" stream`,
      'Such a stream chooses its number of shards itself: leave shards out, or set mode to "provisioned".',
    );
  }
  const { existing } = settings;
  if (existing !== undefined && (settings.mode !== undefined || settings.shards !== undefined)) {
    throw refuseSetting(
      `${what}.${settings.mode === undefined ? "shards" : "mode"}`,
      `${settings.mode ?? settings.shards} of a stream that is there already`,
      "It has a mode and shards of its own: leave these out.",
    );
  }
  return {
    existing,
    shards: onDemand || existing !== undefined ? undefined : checkShards(`${what}.shards`, settings.shards ?? 1),
    retentionHours: checkRetention(`${what}.retention`, settings.retention ?? { hours: 24 }),
    incarnation: wholeWithin(`${what}.incarnation`, settings.incarnation ?? 0, {
      least: 0,
      most: Number.MAX_SAFE_INTEGER,
      unit: "incarnations",
      why: "It counts the streams that ever fed the source.",
    }),
    ...(settings.startAt !== undefined && { startAt: checkStart(`${what}.startAt`, settings.startAt) }),
  };
}

const checkStart = (what: string, startAt: Date): number =>
  wholeWithin(what, Math.floor(startAt.getTime() / 1_000), {
    least: 0,
    most: MAX_INSTANT / 1_000,
    unit: "seconds",
    why: "It is a time.",
  });

const checkShards = (what: string, shards: number): number =>
  wholeWithin(what, shards, { least: 1, most: 10_000, unit: "shards", why: "Each takes 1 MB/s or 1,000 records/s." });

function checkRetention(what: string, retention: Duration): number {
  const why = "Kinesis keeps records for 24 hours to 365 days, in whole hours.";
  const seconds = secondsWithin(what, retention, { least: 24 * HOUR, most: 365 * 24 * HOUR, why });
  return wholeWithin(what, seconds / HOUR, { least: 24, most: 365 * 24, unit: "hours", why });
}

/** What is read: its partitions stay, or have children that wait for what their closed parents hold. */
export type ReadPartitions = "topic" | "shards";

/** @param isStateful whether the stage has windows @throws definition errors naming the limit and the value given */
export function checkMapping(
  what: string,
  settings: MappingSettings,
  isStateful: boolean,
  of: ReadPartitions,
): CheckedMapping {
  wholeWithin(`${what}.parallelizationFactor`, settings.parallelizationFactor ?? 1, {
    least: 1,
    most: 1,
    unit: "batches at a time",
    why: "Above 1 the batches of one shard run at the same time, and a task's position means nothing (X6). Add shards.",
  });
  const startingPosition = settings.startingPosition ?? "TRIM_HORIZON";
  const why = refusedStart(startingPosition, isStateful, of);
  if (startingPosition === "AT_TIMESTAMP" || why !== undefined) {
    throw refuseSetting(`${what}.startingPosition`, startingPosition, `${why} The limit is TRIM_HORIZON.`);
  }
  return {
    batchSize: wholeWithin(`${what}.batchSize`, settings.batchSize ?? 1_000, {
      least: 1,
      most: 10_000,
      unit: "records",
      why: "Lambda's limit for Kinesis.",
    }),
    batchingWindowSeconds: secondsWithin(`${what}.batchingWindow`, settings.batchingWindow ?? { seconds: 5 }, {
      least: 0,
      most: 300,
      why: "Lambda's limit.",
    }),
    startingPosition,
  };
}

function refusedStart(
  startingPosition: "TRIM_HORIZON" | "LATEST" | "AT_TIMESTAMP",
  isStateful: boolean,
  of: ReadPartitions,
): string | undefined {
  if (startingPosition === "TRIM_HORIZON") return undefined;
  if (isStateful) return "A stage with state is never started above its position (X6).";
  if (startingPosition === "AT_TIMESTAMP") return "A mapping is not told the time: a source's stream is, by `startAt`.";
  return of === "topic"
    ? undefined
    : "Children of shards that were closed before wait for what these hold, which nobody would read: begin a source's stream at a time, by `startAt`.";
}

/** More than a healthy stream's polling and a batch's own turn take; whole milliseconds. */
const PROMPT_MILLIS = 30_000;

/**
 * When a record that comes alone is suspected of killing the process (X7): later than a healthy mapping would
 * bring it. A record waits for at most two batching windows: the one that it falls into, and, when the batch
 * before is still running, the next.
 */
export const suspectAfterMillis = ({ batchingWindowSeconds }: CheckedMapping): number =>
  PROMPT_MILLIS + 2 * batchingWindowSeconds * 1_000;
