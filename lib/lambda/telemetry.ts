import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { MillraceError } from "../errors.ts";
import type { BreakerState } from "../runtime/circuit-breaker.ts";
import type { Measure, Observer, Span, TurnReport } from "../runtime/observer.ts";
import type { IncomingRecord } from "../runtime/record.ts";
import type { Loss } from "../runtime/source-partitions.ts";
import { END_OF_TIME } from "../time/instant.ts";

/** Latencies are sampled: a metric holds at most 100 values. */
const SAMPLES_PER_TURN = 20;

export interface StageIdentity {
  readonly deployment: string;
  readonly pipeline: string;
  readonly stage: string;
}

/** Structured logs and embedded metrics of one stage. Payloads are in neither. */
export class Telemetry implements Observer {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly #byOperator: Metrics;
  readonly #bySink: Metrics;
  /** Breakers that are not closed. */
  readonly #open = new Set<string>();
  readonly #declared: Metrics;
  readonly #now: () => number;

  constructor({ deployment, pipeline, stage }: StageIdentity, now: () => number) {
    this.logger = new Logger({ persistentLogAttributes: { deployment, pipeline, stage } });
    this.metrics = metricsOf("Millrace", { deployment, pipeline, stage });
    this.#byOperator = metricsOf("Millrace", { deployment, pipeline, stage });
    this.#bySink = metricsOf("Millrace", { deployment, pipeline, stage });
    this.#declared = metricsOf("Millrace/Business", { deployment, pipeline });
    this.#now = now;
  }

  turn(report: TurnReport): void {
    const counts = [...report.counts.values()];
    const total = (field: "filtered" | "late" | "dead" | "closed") =>
      counts.reduce((sum, count) => sum + count[field], 0);
    const count = (name: string, n: number) => this.metrics.addMetric(name, MetricUnit.Count, n);
    count("RecordsIn", report.folded);
    count("RecordsFolded", Math.max(report.folded - total("filtered") - total("late") - total("dead"), 0));
    count("RecordsFiltered", total("filtered"));
    count("RecordsLate", total("late"));
    count("RecordsDead", total("dead"));
    count("WindowsClosed", total("closed"));
    count("Conflicts", report.conflicts);
    count("Redeliveries", report.redeliveries);
    count("Replays", report.trigger === "records" && report.folded < report.records ? 1 : 0);
    count("Checkpoints", Number(report.checkpointed));
    count("Spills", Number(report.spilled));
    const { metrics } = this;
    if (report.hotKey !== undefined) metrics.addMetric("HotKeyShare", MetricUnit.Percent, report.hotKey.share * 100);
    metrics.addMetric("CommitBytes", MetricUnit.Bytes, report.commitBytes);
    metrics.addMetric("CatchUpBytes", MetricUnit.Bytes, report.catchUpBytes);
    if (report.committedAt !== undefined) {
      metrics.addMetric("StateBytes", MetricUnit.Bytes, report.stateBytes);
      metrics.addMetric("StateMemory", MetricUnit.Bytes, report.stateMemory);
    }
    this.#eventTime(report);
    this.#operators(report);
    const { stateEntries } = report;
    const maps = { counts: Object.fromEntries(report.counts), stateEntries: Object.fromEntries(stateEntries) };
    this.logger.info("turn", { ...report, ...maps });
  }

  #eventTime({ folded, watermark, watermarkBefore }: TurnReport): void {
    const { metrics } = this;
    const isTime = (instant: number) => Math.abs(instant) < END_OF_TIME;
    if (isTime(watermark)) metrics.addMetric("WatermarkLag", MetricUnit.Milliseconds, this.#now() - watermark);
    if (folded === 0 || watermarkBefore >= END_OF_TIME) return; // no records, or drained
    // From before all time, and to the end of it, there is no distance: it moved, and that is all that can be said.
    const distance = isTime(watermark) && isTime(watermarkBefore) ? watermark - watermarkBefore : 1;
    metrics.addMetric("WatermarkAdvance", MetricUnit.Milliseconds, watermark === watermarkBefore ? 0 : distance);
  }

  /**
   * What came to each operator, and, where there was a commit, how large its state is in this task: the maximum is the
   * largest task's. A line each, since a line has one value per dimension; operators that nothing came to have none.
   */
  #operators({ counts, stateEntries, committedAt }: TurnReport): void {
    for (const operator of new Set([...counts.keys(), ...stateEntries.keys()])) {
      const came = counts.get(operator)?.in ?? 0;
      const entries = committedAt === undefined ? undefined : stateEntries.get(operator);
      if (came === 0 && entries === undefined) continue;
      const metrics = this.#byOperator;
      metrics.addDimension("operator", operator);
      if (came > 0) metrics.addMetric("OperatorRecordsIn", MetricUnit.Count, came);
      if (entries !== undefined) metrics.addMetric("StateEntries", MetricUnit.Count, entries);
      metrics.publishStoredMetrics(); // and forgets the operator
    }
  }

  /** The pipeline's own metrics, printed at once: they are told for this commit now or never. */
  measured(_task: string, _epoch: number, measures: readonly Measure[]): void {
    for (const { metric, unit, dimensions, value } of measures) {
      for (const [name, found] of Object.entries(dimensions)) this.#declared.addDimension(name, found);
      this.#declared.addMetric(metric, unit, value);
      this.#declared.publishStoredMetrics();
    }
  }

  /** A line each: what subscribes to the log can hand them to a collector. */
  traced(_task: string, _epoch: number, spans: readonly Span[]): void {
    for (const span of spans) this.logger.info("span", { ...span });
  }

  /** From a record's arrival to its commit, and to the delivery of what that commit sent. */
  latencies(records: readonly IncomingRecord[], { committedAt, deliveredAt }: TurnReport): void {
    const step = Math.max(1, Math.ceil(records.length / SAMPLES_PER_TURN));
    for (let i = 0; i < records.length; i += step) {
      const { arrival } = records[i]!;
      if (committedAt !== undefined)
        this.metrics.addMetric("CommitLatency", MetricUnit.Milliseconds, committedAt - arrival);
      if (deliveredAt !== undefined)
        this.metrics.addMetric("DeliverLatency", MetricUnit.Milliseconds, deliveredAt - arrival);
    }
  }

  /** The offsets between may have been markers, or have been compacted: so many at most. */
  lost(task: string, { from, to }: Loss): void {
    this.metrics.addMetric("RecordsLost", MetricUnit.Count, Number(BigInt(to) - BigInt(from)) + 1);
    this.logger.error("records lost: they left the source unread", { task, from, to });
  }

  notice(task: string, what: string, cause?: unknown): void {
    this.logger.warn(what, { task, ...(cause instanceof Error ? { error: cause } : {}) });
  }

  /** Told with each failure while it is open, and once when it is closed again: in silence there is nothing to tell. */
  breaker(name: string, state: BreakerState): void {
    this.logger.warn("circuit breaker", { sink: name, state });
    if (state !== "closed") {
      this.#open.add(name);
      return;
    }
    this.#open.delete(name);
    this.#breakerIs(name, 0);
  }

  #breakerIs(name: string, open: 0 | 1): void {
    this.metrics.addMetric("BreakerOpen", MetricUnit.Count, open);
    this.#bySink.addDimension("sink", name);
    this.#bySink.addMetric("BreakerOpen", MetricUnit.Count, open);
    this.#bySink.publishStoredMetrics();
  }

  retried(): void {
    this.metrics.addMetric("Retries", MetricUnit.Count, 1);
  }

  /** A turn that failed and will come again. */
  failed(task: string, thrown: unknown): void {
    const kind = thrown instanceof MillraceError ? thrown.kind : "infrastructure";
    if (kind !== "infrastructure") this.metrics.addMetric("SystemicFailures", MetricUnit.Count, 1);
    this.metrics.addMetric("FailedTurns", MetricUnit.Count, 1);
    for (const name of this.#open) this.#breakerIs(name, 1);
    this.logger.error("turn failed", {
      task,
      kind,
      error: thrown instanceof Error ? thrown : new Error(String(thrown)),
    });
  }
}

/** Powertools adds a dimension `service` of its own; the metrics of alarms and dashboard have none. */
function metricsOf(namespace: string, dimensions: Record<string, string>): Metrics {
  const metrics = new Metrics({ namespace });
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions(dimensions);
  return metrics;
}
