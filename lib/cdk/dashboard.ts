import { Duration, Stack } from "aws-cdk-lib";
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  Stats,
  TextWidget,
  type IAlarm,
  type IMetric,
  type Metric,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { ProvisionedLake } from "../connectors/firehose/provision.ts";
import { costOfMillion } from "./cost.ts";
import { OTHER, type MetricSpec } from "../operators/metric.ts";
import {
  declaredMetric,
  deliveryMetric,
  freshnessOf,
  operatorMetric,
  stageMetric,
  type StageMetric,
} from "./metrics.ts";
import type { SharedQueues } from "./queues.ts";

/** A stage as the dashboard shows it. */
export interface ShownStage {
  readonly name: string;
  readonly target: IFunction;
  readonly isSource: boolean;
  /** Whether its records have a key: else none can be hot. */
  readonly isKeyed: boolean;
  /** Undefined where it is billed otherwise than by what is put: on demand. */
  readonly stream: IStream | undefined;
  /** Names of all that count what comes to them, in the order of the topology. */
  readonly operators: readonly string[];
  /** Those that keep state. */
  readonly stateful: readonly string[];
  /** What says how far reading is behind: Lambda, of a stream by age and of a topic by offsets; or the queue that is read. */
  readonly behind: "IteratorAge" | "OffsetLag" | IQueue;
}

export interface Shown {
  readonly pipeline: string;
  readonly alarms: readonly IAlarm[];
  readonly stages: readonly ShownStage[];
  /** The metrics that the pipeline declares. */
  readonly declared: readonly MetricSpec[];
  readonly lakes: readonly ProvisionedLake[];
  readonly queues: SharedQueues;
  /** Megabytes of each function. */
  readonly memory: number;
  readonly table: Table;
}

/** A pipeline at a glance: is anything wrong, does in = folded + filtered + late + dead, and what does it cost. */
export function dashboard(scope: Construct, shown: Shown): Dashboard {
  const { pipeline, alarms, stages, declared, lakes, queues } = shown;
  const board = new Dashboard(scope, "Dashboard");
  const identityOf = (stage: string) => ({ deployment: Stack.of(scope).stackName, pipeline, stage });
  board.addWidgets(new AlarmStatusWidget({ title: pipeline, alarms: [...alarms], width: 24, height: 4 }));
  board.addWidgets(
    graph("Dollars for a million events", costOfMillion({ ...shown, stages: stages.map(billedAs(identityOf)) })),
    graph(
      "Queues: messages",
      [queues.deadLetters, queues.onFailure, queues.lostTicks].map((queue) =>
        queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
      ),
    ),
    graph(
      "Lakes: freshness, s",
      lakes.map((lake) => freshnessOf(lake).with({ label: lake.name })),
    ),
    graph(
      "Lakes: rows",
      lakes.map(({ name, deliveryStream }) =>
        deliveryMetric(deliveryStream.ref, "IncomingRecords", Stats.SUM).with({ label: name }),
      ),
    ),
  );
  const { deployment } = identityOf("");
  board.addWidgets(
    ...declared.map((metric) =>
      graph(
        `${metric.name}, ${metric.unit}`,
        combinationsOf(metric).map((one) => declaredMetric({ deployment, pipeline }, metric.name, one)),
      ),
    ),
  );
  for (const stage of stages) addStage(board, identityOf(stage.name), stage);
  return board;
}

/** All values that a declared metric's dimensions may have: at most a hundred combinations. */
const combinationsOf = ({ dimensions }: MetricSpec): readonly Readonly<Record<string, string>>[] =>
  dimensions.reduce<readonly Readonly<Record<string, string>>[]>(
    (all, { name, values }) => all.flatMap((one) => [...values, OTHER].map((value) => ({ ...one, [name]: value }))),
    [{}],
  );

const billedAs =
  (identityOf: (stage: string) => Parameters<typeof stageMetric>[0]) =>
  ({ name, target, stream, isSource }: ShownStage) => ({ identity: identityOf(name), target, stream, isSource });

/** Four graphs a row: what came and what became of it; how far behind; what it took; what it keeps. */
function addStage(board: Dashboard, identity: Parameters<typeof stageMetric>[0], stage: ShownStage): void {
  const { name, target, isKeyed, operators, stateful } = stage;
  const own = (...metrics: StageMetric[]) => metrics.map((metric) => stageMetric(identity, metric));
  const most = (...metrics: StageMetric[]) => metrics.map((metric) => stageMetric(identity, metric, Stats.MAXIMUM));
  const labelled = (metric: StageMetric, statistic: string) =>
    stageMetric(identity, metric, statistic).with({ label: `${metric} ${statistic}` });
  board.addWidgets(new TextWidget({ markdown: `## ${name}`, width: 24, height: 1 }));
  board.addWidgets(
    graph(`${name}: records`, own("RecordsIn", "RecordsFolded", "RecordsFiltered", "RecordsLate", "RecordsDead")),
    graph(
      `${name}: records in, by operator`,
      operators.map((operator) => operatorMetric(identity, "OperatorRecordsIn", operator, Stats.SUM)),
    ),
    behindOf(stage, most("WatermarkLag")),
    graph(`${name}: latency, ms`, [
      labelled("CommitLatency", Stats.p(50)),
      labelled("CommitLatency", Stats.p(99)),
      labelled("DeliverLatency", Stats.p(99)),
    ]),
  );
  board.addWidgets(
    graph(
      `${name}: turns`,
      own("WindowsClosed", "Conflicts", "Redeliveries", "FailedTurns", "SystemicFailures", "BreakerOpen", "Retries"),
    ),
    graph(`${name}: invocations`, [target.metricInvocations(), target.metricErrors(), target.metricThrottles()]),
    graph(`${name}: duration, ms`, [
      target.metricDuration({ statistic: Stats.p(50) }),
      target.metricDuration({ statistic: Stats.p(99) }),
    ]),
    ...(isKeyed ? [graph(`${name}: hottest key, % of a batch`, most("HotKeyShare"))] : []),
  );
  board.addWidgets(
    graph(`${name}: commits and catch-up, bytes`, own("CommitBytes", "CatchUpBytes")),
    graph(`${name}: largest commit, bytes`, most("CommitBytes")),
    graph(`${name}: objects written`, own("Spills", "Checkpoints")),
    ...(stateful.length === 0
      ? []
      : [
          new GraphWidget({
            title: `${name}: entries of state, largest task`,
            left: stateful.map((operator) => operatorMetric(identity, "StateEntries", operator, Stats.MAXIMUM)),
            right: most("StateBytes", "StateMemory"),
            width: 6,
          }),
        ]),
  );
}

/** @param eventTime how far that is behind; of a queue there is none */
function behindOf({ name, target, behind }: ShownStage, eventTime: readonly Metric[]): GraphWidget {
  if (typeof behind !== "string") {
    return graph(`${name}: oldest message, s`, [
      behind.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1), statistic: Stats.MAXIMUM }),
    ]);
  }
  const told = target.metric(behind, { statistic: Stats.MAXIMUM, label: behind });
  if (behind === "IteratorAge") return graph(`${name}: behind, ms`, [...eventTime, told]);
  return new GraphWidget({ title: `${name}: behind, ms and offsets`, left: [...eventTime], right: [told], width: 6 });
}

const graph = (title: string, left: readonly IMetric[]) => new GraphWidget({ title, left: [...left], width: 6 });
