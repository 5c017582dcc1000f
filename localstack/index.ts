export { startLocalStack } from "./start-local-stack.ts";
export { LocalStackError } from "./errors.ts";
export type {
  FaultName,
  FaultPlan,
  Health,
  LocalAlarm,
  LocalEvent,
  LocalStack,
  LocalStackOptions,
  MetricSeries,
  Notice,
  ServiceUsage,
  StackResource,
  StartLocalStack,
  Usage,
} from "./types.ts";
