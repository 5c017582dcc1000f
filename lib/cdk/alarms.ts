import { Duration, Stack } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Stats,
  TreatMissingData,
  type AlarmProps,
  type Metric,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IRule } from "aws-cdk-lib/aws-events";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { ReadQueue } from "../connectors/provisioned.ts";
import type { ProvisionedLake } from "../connectors/firehose/provision.ts";
import { deliveryMetric, freshnessOf, stageMetric, sweepMetric } from "./metrics.ts";
import { section, type Section } from "./runbook.ts";
import type { SharedQueues } from "./queues.ts";

/** How many datapoints of how many must be above. */
interface Cadence {
  /** Minutes that make one datapoint. */
  readonly period: number;
  readonly above: number;
  readonly of: number;
}

/**
 * What must not happen at all: told at the first, and over once a quarter of an hour was clean. A task that stands still is
 * retried at longer and longer intervals, and who reads a queue hides its messages for a while: neither is an end.
 */
const ONCE: Cadence = { period: 1, above: 1, of: 15 };

/** What happens now and then: three minutes of fifteen. A shard that is retried is not read in every minute. */
const RECURRING: Cadence = { period: 1, above: 3, of: 15 };

/** What passes by itself, as a resharding, a deployment or a throttled service does: three five minutes of four. */
const SUSTAINED: Cadence = { period: 5, above: 3, of: 4 };

/** What is due every six hours and is counted only then: not over before the next one went through. */
const EVERY_SIX_HOURS: Cadence = { period: 60, above: 1, of: 7 };

interface Watch {
  readonly metric: Metric;
  /** Above it the alarm is raised. */
  readonly above: number;
  readonly cadence: Cadence;
  /** Where docs/operations.md says what to do. */
  readonly see: Section;
  /** What happened, and what to do. */
  readonly description: string;
}

/** A stage as it is watched. */
export interface WatchedStage {
  readonly name: string;
  readonly target: IFunction;
  /** Undefined where Lambda tells no age of what it reads. */
  readonly iteratorAgeSeconds: number | undefined;
  /** Undefined where Lambda tells an age. */
  readonly offsetLag: number | undefined;
  /** Bytes of the function's memory that a task's state may take; undefined for a stage without state. */
  readonly stateMemory: number | undefined;
}

/**
 * The alarms of one pipeline: each says what to do, and where that is written. They are plain metrics, one each, and need no
 * arithmetic, which emulators refuse. Each cadence above says why it does not flap.
 */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  readonly #pipeline: string;
  readonly #topic: ITopic | undefined;

  constructor(scope: Construct, pipeline: string, topic: ITopic | undefined) {
    super(scope, "Alarms");
    this.#pipeline = pipeline;
    this.#topic = topic;
  }

  watchQueues({ deadLetters, onFailure, lostTicks }: SharedQueues): void {
    this.#watch("DeadLetters", {
      metric: depthOf(deadLetters),
      above: 0,
      cadence: ONCE,
      see: "Dead letters",
      description: "Records could not be processed and were set aside. Read their reasons in the dead-letter queue.",
    });
    this.#watch("MappingFailures", {
      metric: depthOf(onFailure),
      above: 0,
      cadence: ONCE,
      see: "Records that were lost",
      description:
        "Lambda dropped records although it retries for ever: they left the stream unread. The message names shard and positions.",
    });
    this.#watch("LostTicks", {
      metric: depthOf(lostTicks),
      above: 0,
      cadence: ONCE,
      see: "A window that does not close",
      description:
        "Ticks or sweeps failed for hours: windows of idle shards stay open. Mend the function and redrive the queue.",
    });
  }

  /** Gives those that a broken build raises within minutes. */
  watchStage({ name: stage, target, iteratorAgeSeconds, offsetLag, stateMemory }: WatchedStage): readonly Alarm[] {
    const own = (name: string) => `${stage}-${name}`;
    const identity = { deployment: Stack.of(this).stackName, pipeline: this.#pipeline, stage };
    if (iteratorAgeSeconds !== undefined) {
      this.#watch(own("IteratorAge"), {
        metric: target.metric("IteratorAge", { statistic: Stats.MAXIMUM }),
        above: iteratorAgeSeconds * 1_000,
        cadence: RECURRING,
        see: "Reading falls behind",
        description:
          "Reading falls behind; what reaches the stream's retention is lost. Look for errors, then add shards or memory.",
      });
    }
    if (offsetLag !== undefined) {
      this.#watch(own("OffsetLag"), {
        metric: target.metric("OffsetLag", { statistic: Stats.MAXIMUM }),
        above: offsetLag,
        cadence: RECURRING,
        see: "Reading falls behind",
        description:
          "Reading falls behind; what reaches the topic's retention is lost. Look for errors, then add pollers, partitions or memory.",
      });
      this.#watch(own("RecordsLost"), {
        metric: stageMetric(identity, "RecordsLost"),
        above: 0,
        cadence: ONCE,
        see: "Records that were lost",
        description:
          "Records left the topic unread: its retention was over before they were folded. The log says which offsets.",
      });
    }
    const errors = this.#watch(own("Errors"), {
      metric: target.metricErrors(),
      above: 0,
      cadence: RECURRING,
      see: "Invocations that fail",
      description:
        "Invocations keep ending without an answer; their batches are retried and nothing is lost yet. Read the function's log.",
    });
    this.#watch(own("FailedTurns"), {
      metric: stageMetric(identity, "FailedTurns"),
      above: 0,
      cadence: SUSTAINED,
      see: "Throttling, time-outs, a sink that is down",
      description:
        'A task\'s batches keep being answered with "again". Nothing is lost yet. Read the log lines `turn failed`.',
    });
    this.#watch(own("BreakerOpen"), {
      metric: stageMetric(identity, "BreakerOpen", Stats.MAXIMUM),
      above: 0,
      cadence: RECURRING,
      see: "A sink that is down",
      description:
        "A sink, or what operators look up in, has failed several times in a row and is left alone, and tried now and then. Nothing is lost yet.",
    });
    this.#watch(own("Throttles"), {
      metric: target.metricThrottles(),
      above: 0,
      cadence: SUSTAINED,
      see: "Throttling, time-outs, a sink that is down",
      description: "Invocations keep waiting for concurrency. Raise the account's or the function's.",
    });
    const systemicFailures = this.#watch(own("SystemicFailures"), {
      metric: stageMetric(identity, "SystemicFailures"),
      above: 0,
      cadence: ONCE,
      see: "A task stands still",
      description: "A task has stopped: the build or the producer is broken (X10). Deploy a mended one, or consent.",
    });
    // Four quarters of an hour in each of which records came, and none in which none did. No clock is in it, so that
    // history that is replayed is watched like the present.
    this.#add(own("WatermarkStalled"), {
      metric: stageMetric(identity, "WatermarkAdvance").with({ period: Duration.minutes(15) }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 4,
      datapointsToAlarm: 4,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: this.#described(
        "Records come, and event time stood still for an hour: windows do not close. Look for the stage before that stands still.",
        "Event time that stands still",
      ),
    });
    const broken = [errors, systemicFailures];
    if (stateMemory === undefined) return broken;
    this.#watch(own("StateMemory"), {
      metric: stageMetric(identity, "StateMemory", Stats.MAXIMUM),
      above: stateMemory,
      cadence: RECURRING,
      see: "A state that grows",
      description:
        "A task's state takes two fifths of the function's memory. Find what grows, add shards, or give the function more.",
    });
    return broken;
  }

  /** What a stage reads that is no stream. */
  watchReadQueue(stage: string, { queue, setAside, ageSeconds }: ReadQueue): void {
    this.#watch(`${stage}-MessageAge`, {
      metric: queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1), statistic: Stats.MAXIMUM }),
      above: ageSeconds,
      cadence: RECURRING,
      see: "Reading falls behind",
      description:
        "Reading falls behind; what reaches the queue's retention is lost. Look for errors, then raise the concurrency or add memory.",
    });
    if (setAside === undefined) return; // whoever made the queue watches what its redrive policy sets aside
    this.#watch(`${stage}-SetAside`, {
      metric: depthOf(setAside),
      above: 0,
      cadence: ONCE,
      see: "Messages that were set aside",
      description:
        "Messages came many times and were never worked off: a sink was down for long, or they end the process. They wait in the queue's redrive queue.",
    });
  }

  /**
   * A sweep that was sent and cannot be run ends, as ticks do, in the queue of lost ticks, which is watched too. A rule
   * that is disabled or gone sends nothing and fails at nothing: only its silence shows it.
   */
  watchSweeps(stage: string, sweeps: IRule): void {
    this.#watch(`${stage}-SweepFailures`, {
      metric: sweepMetric(sweeps.ruleName, "FailedInvocations"),
      above: 0,
      cadence: EVERY_SIX_HOURS,
      see: "The sweeper does not run",
      description:
        "The sweeper does not run: what idle tasks still need expires 30 days after it was written. Mend the rule or its queue's policy.",
    });
    this.#add(`${stage}-SweepsMissing`, {
      metric: sweepMetric(sweeps.ruleName, "Invocations", Duration.hours(1)),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: DAY, // four sweeps are due in it: one that is missed is no alarm
      datapointsToAlarm: DAY,
      treatMissingData: TreatMissingData.BREACHING, // EventBridge counts no zeros
      alarmDescription: this.#described(
        "The schedule has sent no sweep for a day: its rule is disabled or gone. Enable it, or deploy the stack again. " +
          "After the first deployment this is raised until the first sweep is sent.",
        "The sweeper does not run",
      ),
    });
  }

  watchLake(lake: ProvisionedLake, bufferSeconds: number): void {
    this.#watch(`${lake.name}-Freshness`, {
      metric: freshnessOf(lake),
      above: bufferSeconds + 900,
      cadence: RECURRING,
      see: "A lake that is behind",
      description:
        "Rows wait to become files for a quarter of an hour longer than they should. Read the delivery stream's log.",
    });
    const failed = lake.table === "iceberg" ? "DeliveryToIceberg.FailedRowCount" : "FailedConversion.Records";
    this.#watch(`${lake.name}-FailedConversion`, {
      metric: deliveryMetric(lake.deliveryStream.ref, failed, Stats.SUM),
      above: 0,
      cadence: ONCE,
      see: "A lake that is behind",
      description:
        lake.table === "iceberg"
          ? "Rows did not fit the table, or were not committed for two hours, and lie below the error prefix."
          : "Rows did not fit the table and lie below the error prefix. The table and the running build differ.",
    });
    if (lake.eventDates === undefined) return;
    this.#watch(`${lake.name}-TooManyDays`, {
      metric: deliveryMetric(lake.deliveryStream.ref, "PartitionCountExceeded", Stats.MAXIMUM),
      above: 0,
      cadence: ONCE,
      see: "A lake that is behind",
      description: "Rows of more days came at a time than Firehose keeps apart: they lie below the error prefix.",
    });
  }

  watchCompaction(target: IFunction): void {
    this.#watch("CompactionFailures", {
      metric: target.metricErrors(),
      above: 0,
      cadence: EVERY_SIX_HOURS,
      see: "A lake that is behind",
      description: "Files of a lake are not merged; nothing is lost. Read the compaction function's log.",
    });
  }

  #watch(id: string, { metric, above, cadence, see, description }: Watch): Alarm {
    return this.#add(id, {
      metric: metric.with({ period: Duration.minutes(cadence.period) }),
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: cadence.of,
      datapointsToAlarm: cadence.above,
      // Nothing happens when nothing arrives; and a gap between two datapoints is no datapoint that is above.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: this.#described(description, see),
    });
  }

  #described = (description: string, see: Section): string => `${this.#pipeline}: ${description} ${section(see)}`;

  #add(id: string, props: AlarmProps): Alarm {
    const alarm = new Alarm(this, id, props);
    if (this.#topic !== undefined) {
      alarm.addAlarmAction(new SnsAction(this.#topic));
      alarm.addOkAction(new SnsAction(this.#topic));
    }
    this.all.push(alarm);
    return alarm;
  }
}

/** In hours. */
const DAY = 24;

const depthOf = (queue: IQueue): Metric => queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM });
