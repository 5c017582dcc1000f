import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { MillraceError } from "../errors.ts";
import type { Observer, TurnReport } from "../runtime/observer.ts";
import type { IncomingRecord } from "../runtime/record.ts";
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
  readonly #identity: Record<keyof StageIdentity, string>;
  readonly #now: () => number;

  constructor({ deployment, pipeline, stage }: StageIdentity, now: () => number) {
    this.logger = new Logger({ persistentLogAttributes: { deployment, pipeline, stage } });
    this.metrics = new Metrics({ namespace: "Millrace" });
    this.#identity = { deployment, pipeline, stage };
    this.#identify(this.metrics);
    this.#now = now;
  }

  turn(report: TurnReport): void {
    const counts = [...report.counts.values()];
    const total = (field: "filtered" | "late" | "dead" | "closed") =>
      counts.reduce((sum, count) => sum + count[field], 0);
    const { metrics } = this;
    metrics.addMetric("RecordsIn", MetricUnit.Count, report.folded);
    metrics.addMetric(
      "RecordsFolded",
      MetricUnit.Count,
      Math.max(report.folded - total("filtered") - total("late") - total("dead"), 0),
    );
    metrics.addMetric("RecordsFiltered", MetricUnit.Count, total("filtered"));
    metrics.addMetric("RecordsLate", MetricUnit.Count, total("late"));
    metrics.addMetric("RecordsDead", MetricUnit.Count, total("dead"));
    metrics.addMetric("WindowsClosed", MetricUnit.Count, total("closed"));
    metrics.addMetric("Conflicts", MetricUnit.Count, report.conflicts);
    metrics.addMetric("Redeliveries", MetricUnit.Count, report.redeliveries);
    metrics.addMetric(
      "Replays",
      MetricUnit.Count,
      report.trigger === "records" && report.folded < report.records ? 1 : 0,
    );
    if (report.hotKey !== undefined) metrics.addMetric("HotKeyShare", MetricUnit.Percent, report.hotKey.share * 100);
    metrics.addMetric("CommitBytes", MetricUnit.Bytes, report.commitBytes);
    metrics.addMetric("CatchUpBytes", MetricUnit.Bytes, report.catchUpBytes);
    metrics.addMetric("Checkpoints", MetricUnit.Count, Number(report.checkpointed));
    if (Math.abs(report.watermark) < END_OF_TIME) {
      metrics.addMetric("WatermarkLag", MetricUnit.Milliseconds, this.#now() - report.watermark);
    }
    if (report.committedAt !== undefined) this.#sizes(report.stateEntries);
    const { stateEntries } = report;
    const maps = { counts: Object.fromEntries(report.counts), stateEntries: Object.fromEntries(stateEntries) };
    this.logger.info("turn", { ...report, ...maps });
  }

  /** Powertools adds a dimension `service` of its own; the metrics of alarms and dashboard have none. */
  #identify(metrics: ReturnType<Metrics["singleMetric"]>): void {
    metrics.clearDefaultDimensions();
    metrics.setDefaultDimensions(this.#identity);
  }

  /** The size of one task's state per operator, so that one that runs away is seen: its maximum is the largest task's. */
  #sizes(entries: TurnReport["stateEntries"]): void {
    for (const [operator, size] of entries) {
      const metric = this.metrics.singleMetric();
      this.#identify(metric);
      metric.addDimension("operator", operator);
      metric.addMetric("StateEntries", MetricUnit.Count, size);
    }
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

  notice(task: string, what: string, cause?: unknown): void {
    this.logger.warn(what, { task, ...(cause instanceof Error ? { error: cause } : {}) });
  }

  /** A turn that failed and will come again. */
  failed(task: string, thrown: unknown): void {
    const kind = thrown instanceof MillraceError ? thrown.kind : "infrastructure";
    if (kind !== "infrastructure") this.metrics.addMetric("SystemicFailures", MetricUnit.Count, 1);
    this.metrics.addMetric("FailedTurns", MetricUnit.Count, 1);
    this.logger.error("turn failed", {
      task,
      kind,
      error: thrown instanceof Error ? thrown : new Error(String(thrown)),
    });
  }
}
