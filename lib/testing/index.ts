/** For tests: a driver of pipelines, stores in memory, and a simulator of everything that can go wrong. */
export { testDriver, type TestDriver } from "./driver/test-driver.ts";
export type { TestDriverOptions } from "./driver/driver-options.ts";
export type { JoinView, OpenWindow, StateView, TimersView } from "./driver/views.ts";
export type { DeadLetter } from "../runtime/dead-letter.ts";
export type { Measure } from "../runtime/observer.ts";
export type { TracePath, TraceStep } from "../runtime/trace-paths.ts";
export type { OperatorCounts } from "../state/counters.ts";
export { MemoryChangelog } from "./memory-changelog.ts";
export { MemoryTable } from "./memory-table.ts";
export { MemoryObjects } from "./memory-objects.ts";
export { simulate } from "./simulation/simulate.ts";
export { DEFAULT_FAULTS, FAULT_KINDS, type FaultKind, type FaultName, type FaultRates } from "./simulation/faults.ts";
export type { Check, Schedule, SimulationOptions } from "./simulation/options.ts";
export type { Effects, PutEvent, SimulationResult } from "./simulation/result.ts";
export type { Failure } from "./simulation/ledger.ts";
export { shrink, type Shrunk } from "./simulation/shrink.ts";
