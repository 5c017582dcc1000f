import { ASSUMED } from "../affinity/assumptions.ts";

/** One thing that a bill takes as given. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  /** What it is, and why this value. */
  readonly about: string;
}

/** All that is neither measured nor a price, in one place. Where in doubt, the others get the better of it. */
export const assumptions = {
  hours: { value: 730, unit: "hours", about: "a month" },
  filled: {
    value: 0.7,
    unit: "of capacity",
    about: "how far shards, KPUs, tasks of Fargate and brokers are filled by a load that never changes",
  },
  memory: {
    value: 1_024,
    unit: "MB",
    about: "a function's memory, the construct's default; 1,769 MB are one processor",
  },
  commitDays: { value: 30, unit: "days", about: "that a commit is in the changelog" },
  spillDays: { value: 60, unit: "days", about: "that a spilled commit is on S3" },
  itemBytes: {
    value: 400,
    unit: "bytes",
    about: "of a commit's item beside its body: names and attributes, and the 100 that DynamoDB adds (AWS)",
  },
  processorMemory: { value: ASSUMED.memoryPerProcessor, unit: "MB", about: "memory that gives one processor (AWS)" },
  wait: {
    value: 3 * ASSUMED.dynamodbMillis + ASSUMED.deliveryMillis,
    unit: "ms a turn",
    about: "waiting for DynamoDB, three times 5 ms, and for one delivery, 10 ms, as in [scale](scale.md)",
  },
  payload: { value: 6_000_000, unit: "bytes", about: "the largest event of a mapping (AWS)" },
  envelope: { value: 600, unit: "bytes", about: "what a mapping writes around a record's data" },
  polls: {
    value: 5 * 3 * 60,
    unit: "requests an hour",
    about: "five pollers of the tick queue that wait for twenty seconds each (AWS)",
  },
  tick: { value: 300, unit: "seconds", about: "between the ticks of a task: a source's default `idle`" },
  metrics: { value: 30, unit: "metrics", about: "custom metrics of the job, all operators' (docs/observability.md)" },
  alarms: { value: 17, unit: "alarms", about: "of the job's template" },
  cores: {
    value: 1,
    unit: "processor",
    about: "this machine's core stands for a processor of Lambda, a KPU and a vCPU of Fargate alike",
  },
  lakeFiles: {
    value: 2 * 12,
    unit: "files an hour",
    about: "that Firehose writes of two lakes, one in five minutes each",
  },
  filesPerHour: {
    value: 60,
    unit: "files an hour",
    about: "that each KPU of Flink writes to S3 by itself, without Firehose",
  },
  brokers: { value: 3, unit: "brokers", about: "as transactions want three copies" },
  smallBroker: { value: 1, unit: "MB/s", about: "of events, above which kafka.t3.small gives way to kafka.m5.large" },
  largeBroker: {
    value: 30,
    unit: "MB/s",
    about: "of events that three kafka.m5.large take with what Kafka Streams adds",
  },
  kafkaHours: {
    value: 24,
    unit: "hours",
    about: "that brokers keep events, in three copies, as Kinesis does by default",
  },
  taskMemory: { value: 2, unit: "GB", about: "of Fargate for each vCPU, and the least" },
  otherZones: {
    value: 2 / 3,
    unit: "of events",
    about: "that producers send to a broker of another zone; reading is from the nearest",
  },
  flockLeast: {
    value: 10,
    unit: "times",
    about:
      "cheaper than Flink, at the least: flock's own claim (arXiv 2312.16735, abstract), taken of Managed Flink's KPUs",
  },
  flockMost: { value: 20, unit: "times", about: "cheaper than Flink, at the most: the same" },
} as const satisfies Readonly<Record<string, Assumption>>;
