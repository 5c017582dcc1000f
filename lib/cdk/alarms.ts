import { Duration, Stack } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Stats,
  TreatMissingData,
  type AlarmProps,
  type IMetric,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IRule } from "aws-cdk-lib/aws-events";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { ProvisionedLake } from "../connectors/firehose/provision.ts";
import { deliveryMetric, stageMetric, sweepMetric } from "./metrics.ts";
import type { SharedQueues } from "./queues.ts";

interface Watch {
  readonly metric: IMetric;
  /** Above it the alarm is raised. */
  readonly above: number;
  /** Minutes, of the last five, that must be above. @default 1 */
  readonly minutes?: number;
  /** What happened, and what to do. */
  readonly description: string;
}

/** The alarms of one pipeline: each says what to do. They are plain metrics, one each, and need no arithmetic. */
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
      description: "Records could not be processed and were set aside. Read their reasons in the dead-letter queue.",
    });
    this.#watch("MappingFailures", {
      metric: depthOf(onFailure),
      above: 0,
      description:
        "Lambda dropped records although it retries for ever: they left the stream unread. The message names shard and positions.",
    });
    this.#watch("LostTicks", {
      metric: depthOf(lostTicks),
      above: 0,
      description:
        "Ticks or sweeps failed for hours: windows of idle shards stay open. Mend the function and redrive the queue.",
    });
  }

  watchStage(stage: string, target: IFunction, iteratorAgeSeconds: number): void {
    const own = (name: string) => `${stage}-${name}`;
    this.#watch(own("IteratorAge"), {
      metric: target.metric("IteratorAge", { statistic: Stats.MAXIMUM, period: MINUTE }),
      above: iteratorAgeSeconds * 1_000,
      minutes: 3,
      description:
        "Reading falls behind; what reaches the stream's retention is lost. Look for errors, then add shards or memory.",
    });
    this.#watch(own("Errors"), {
      metric: target.metricErrors({ period: MINUTE }),
      above: 0,
      minutes: 3,
      description:
        "Invocations keep failing; their batches are retried and nothing is lost yet. Read the function's log.",
    });
    this.#watch(own("Throttles"), {
      metric: target.metricThrottles({ period: MINUTE }),
      above: 0,
      minutes: 3,
      description: "Invocations keep waiting for concurrency. Raise the account's or the function's.",
    });
    this.#watch(own("SystemicFailures"), {
      metric: stageMetric(
        { deployment: Stack.of(this).stackName, pipeline: this.#pipeline, stage },
        "SystemicFailures",
      ),
      above: 0,
      description: "A task has stopped: the build or the producer is broken (X10). Deploy a mended one, or consent.",
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
      description:
        "The sweeper does not run: what idle tasks still need expires 30 days after it was written. Mend the rule or its queue's policy.",
    });
    this.#add(`${stage}-SweepsMissing`, {
      metric: sweepMetric(sweeps.ruleName, "Invocations", Duration.hours(1)),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: DAY,
      datapointsToAlarm: DAY,
      treatMissingData: TreatMissingData.BREACHING, // EventBridge counts no zeros
      alarmDescription:
        "The schedule has sent no sweep for a day: its rule is disabled or gone. Enable it, or deploy the stack again. " +
        "After the first deployment this is raised until the first sweep is sent.",
    });
  }

  watchLake(lake: ProvisionedLake, bufferSeconds: number): void {
    this.#watch(`${lake.name}-Freshness`, {
      metric: deliveryMetric(lake.deliveryStream.ref, "DeliveryToS3.DataFreshness", Stats.MAXIMUM),
      above: bufferSeconds + 900,
      minutes: 3,
      description:
        "Rows wait to become files for a quarter of an hour longer than they should. Read the delivery stream's log.",
    });
    this.#watch(`${lake.name}-FailedConversion`, {
      metric: deliveryMetric(lake.deliveryStream.ref, "FailedConversion.Records", Stats.SUM),
      above: 0,
      description: "Rows did not fit the table and lie below the error prefix. The table and the running build differ.",
    });
  }

  #watch(id: string, { metric, above, minutes = 1, description }: Watch): void {
    this.#add(id, {
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: minutes === 1 ? 1 : 5,
      datapointsToAlarm: minutes,
      // Nothing happens when nothing arrives.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: description,
    });
  }

  #add(id: string, props: AlarmProps): void {
    const alarm = new Alarm(this, id, { ...props, alarmDescription: `${this.#pipeline}: ${props.alarmDescription}` });
    if (this.#topic !== undefined) {
      alarm.addAlarmAction(new SnsAction(this.#topic));
      alarm.addOkAction(new SnsAction(this.#topic));
    }
    this.all.push(alarm);
  }
}

const MINUTE = Duration.minutes(1);

/** In hours. Four sweeps are due in it. */
const DAY = 24;

const depthOf = (queue: IQueue): IMetric =>
  queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: MINUTE });
