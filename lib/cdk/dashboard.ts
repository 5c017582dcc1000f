import { Stack } from "aws-cdk-lib";
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  Stats,
  type IAlarm,
  type IMetric,
} from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { ProvisionedLake } from "../connectors/firehose/provision.ts";
import { deliveryMetric, stageMetric, stateMetric, type StageMetric } from "./metrics.ts";
import type { SharedQueues } from "./queues.ts";

export interface Watched {
  readonly pipeline: string;
  readonly alarms: readonly IAlarm[];
  readonly stages: readonly {
    readonly name: string;
    readonly target: IFunction;
    readonly stateful: readonly string[];
  }[];
  readonly lakes: readonly ProvisionedLake[];
  readonly queues: SharedQueues;
}

/** A pipeline at a glance: is anything wrong, does in = folded + filtered + late + dead, and what does it cost. */
export function dashboard(scope: Construct, { pipeline, alarms, stages, lakes, queues }: Watched): Dashboard {
  const board = new Dashboard(scope, "Dashboard");
  board.addWidgets(new AlarmStatusWidget({ title: pipeline, alarms: [...alarms], width: 24, height: 4 }));
  for (const { name, target, stateful } of stages) {
    const identity = { deployment: Stack.of(scope).stackName, pipeline, stage: name };
    const own = (...metrics: StageMetric[]) => metrics.map((metric) => stageMetric(identity, metric));
    board.addWidgets(
      graph(`${name}: records`, own("RecordsIn", "RecordsFolded", "RecordsFiltered", "RecordsLate", "RecordsDead")),
      graph(`${name}: behind, ms`, [
        stageMetric(identity, "WatermarkLag", Stats.MAXIMUM),
        target.metric("IteratorAge", { statistic: Stats.MAXIMUM, label: "IteratorAge" }),
      ]),
      graph(`${name}: turns`, own("WindowsClosed", "Conflicts", "Redeliveries", "SystemicFailures")),
    );
    board.addWidgets(
      graph(`${name}: invocations`, [target.metricInvocations(), target.metricErrors(), target.metricThrottles()]),
      graph(`${name}: duration, ms`, [
        target.metricDuration({ statistic: Stats.p(50) }),
        target.metricDuration({ statistic: Stats.p(99) }),
      ]),
      graph(`${name}: bytes`, own("CommitBytes", "CatchUpBytes")),
    );
    board.addWidgets(
      graph(`${name}: hottest key, % of a batch`, [stageMetric(identity, "HotKeyShare", Stats.MAXIMUM)]),
      ...(stateful.length === 0
        ? []
        : [
            graph(
              `${name}: entries of state, largest task`,
              stateful.map((operator) => stateMetric(identity, operator)),
            ),
          ]),
    );
  }
  board.addWidgets(
    graph(
      "Queues: messages",
      [queues.deadLetters, queues.onFailure, queues.lostTicks].map((queue) =>
        queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
      ),
    ),
    graph(
      "Lakes: rows",
      lakes.map((lake) => lakeMetric(lake, "IncomingRecords", Stats.SUM)),
    ),
    graph(
      "Lakes: freshness, s",
      lakes.map((lake) => lakeMetric(lake, "DeliveryToS3.DataFreshness", Stats.MAXIMUM)),
    ),
  );
  return board;
}

const graph = (title: string, left: readonly IMetric[]) => new GraphWidget({ title, left: [...left], width: 8 });

const lakeMetric = (lake: ProvisionedLake, name: string, statistic: string) =>
  deliveryMetric(lake.deliveryStream.ref, name, statistic).with({ label: lake.name });
