/** For tests and benchmarks: stores in memory. */
export { MemoryChangelog } from "./memory-changelog.ts";
export { MemoryObjects } from "./memory-objects.ts";
