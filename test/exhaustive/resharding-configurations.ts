import type { Configuration, ShardPlan } from "./configuration.ts";
import { recordOf } from "./ids-pipeline.ts";

const LOWER = { from: "0".repeat(32), to: `7${"f".repeat(31)}` };
const UPPER = { from: `8${"0".repeat(31)}`, to: "f".repeat(32) };

/** By MD5 the key `a` is in the lower half and `b` in the upper. */
const a = (sequence: number, time: number) => recordOf(sequence, time, { key: "a" });
const b = (sequence: number, time: number) => recordOf(sequence, time, { key: "b" });

const SPLIT: readonly ShardPlan[] = [
  { id: "P", records: [a(1, 1), b(2, 2)] },
  { id: "L", parents: ["P"], range: LOWER, records: [a(3, 3)] },
  { id: "R", parents: ["P"], range: UPPER, records: [b(4, 4)] },
];

/** Shards that were split, or merged, while windows are open: every window's row must come once, and whole. */
export const RESHARDINGS: readonly Configuration[] = [
  {
    name: "split",
    about: "A child's records come while its parent still has some; both children take over at the same time.",
    pipeline: { each: false },
    shards: SPLIT,
    mappings: [
      { shard: "P", cuts: [2] },
      { shard: "L", cuts: [1] },
      { shard: "R", cuts: [1] },
    ],
    earlyTicks: 0,
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["crash"], landing: "prompt" } },
  },
  {
    name: "split-and-late-requests",
    about: "One child, and processes of its parent that die with requests on their way.",
    pipeline: { each: false },
    shards: [SPLIT[0]!, SPLIT[1]!, { ...SPLIT[2]!, records: [] }],
    mappings: [
      { shard: "P", cuts: [2] },
      { shard: "L", cuts: [1] },
    ],
    earlyTicks: 0,
    faults: { budget: 1, kinds: ["crash"] },
    deep: { faults: { budget: 1, kinds: ["crash", "timeout", "double"] } },
  },
  {
    name: "split-quiet",
    about: "No child ever gets a record: the tick that the seal sends opens them, and closes their windows (X12).",
    pipeline: { each: false, idle: { minutes: 1 } },
    earlyTicks: 0,
    shards: [
      { id: "P", records: [a(1, 1)] },
      { ...SPLIT[1]!, records: [] },
      { ...SPLIT[2]!, records: [b(2, 4)] },
    ],
    mappings: [
      { shard: "P", cuts: [1] },
      { shard: "R", cuts: [1] },
    ],
    messagesAtOnce: 1,
    faults: { budget: 0, kinds: [] },
    deep: { messagesAtOnce: 2 },
  },
  {
    name: "merge",
    about: "Two parents, one ahead in event time and one that never had a record, become one.",
    pipeline: { each: false },
    earlyTicks: 0,
    messagesAtOnce: 1,
    answersInOrder: true,
    shards: [
      { id: "L", range: LOWER, records: [a(1, 20)] },
      { id: "R", range: UPPER, records: [] },
      { id: "M", parents: ["L", "R"], records: [a(3, 3), b(4, 4)] },
    ],
    mappings: [
      { shard: "L", cuts: [1] },
      { shard: "M", cuts: [2] },
    ],
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["crash"], landing: "prompt" } },
  },
  {
    name: "merge-of-two",
    about: "Both parents have records, and one is ahead in event time: what it had closed stays closed.",
    pipeline: { each: false },
    earlyTicks: 0,
    messagesAtOnce: 1,
    answersInOrder: true,
    shards: [
      { id: "L", range: LOWER, records: [a(1, 20)] },
      { id: "R", range: UPPER, records: [b(2, 2)] },
      { id: "M", parents: ["L", "R"], records: [a(3, 3), b(4, 4)] },
    ],
    mappings: [
      { shard: "L", cuts: [1] },
      { shard: "R", cuts: [1] },
      { shard: "M", cuts: [2] },
    ],
    faults: { budget: 0, kinds: [] },
  },
  {
    name: "split-and-sweep",
    about: "A sweep of a child that has no records meets the batch of the other.",
    pipeline: { each: false },
    shards: [SPLIT[0]!, { ...SPLIT[1]!, records: [] }, SPLIT[2]!],
    mappings: [
      { shard: "P", cuts: [2] },
      { shard: "R", cuts: [1] },
    ],
    messagesAtOnce: 1,
    messages: [{ type: "sweep", shard: "L" }],
    earlyTicks: 0,
    faults: { budget: 0, kinds: [] },
    deep: {
      messagesAtOnce: 2,
      faults: { budget: 1, kinds: ["crash"], landing: "prompt" },
    },
  },
];
