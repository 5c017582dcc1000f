import type { Configuration, FaultKind } from "./configuration.ts";
import { ARRIVAL, recordOf } from "./ids-pipeline.ts";
import { RESHARDINGS } from "./resharding-configurations.ts";

const P = "P";
/** Everything but what a configuration must ask for. */
const LOST: readonly FaultKind[] = ["crash", "timeout", "double"];
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The first two are of one window; the third closes it, the fourth is late. */
const FOUR = [recordOf(1, 1), recordOf(2, 2), recordOf(3, 20), recordOf(4, 3)];
/** Of two keys, so that a commit may hold less than the whole state, and checkpoints fall due. */
const TWO_KEYS = [1, 2, 3, 4, 5].map((n) => recordOf(n, n, { key: n === 2 ? "b" : "a" }));
const [first, second, third] = FOUR as [(typeof FOUR)[0], (typeof FOUR)[0], (typeof FOUR)[0]];

const ONE_SHARD: readonly Configuration[] = [
  {
    name: "one-writer",
    about: "One mapping, three batches, each of which has outputs.",
    shards: [{ id: P, records: [first, second, third] }],
    mappings: [{ shard: P, cuts: [1] }],
    faults: { budget: 1, kinds: LOST },
    deep: { faults: { budget: 2, kinds: LOST } },
  },
  {
    name: "two-writers",
    about: "Two mappings hand over the same batch: one wins, and the other finds it done.",
    shards: [{ id: P, records: [first, third] }],
    mappings: [
      { shard: P, cuts: [2] },
      { shard: P, cuts: [2] },
    ],
    faults: { budget: 1, kinds: LOST },
    deep: { faults: { budget: 2, kinds: LOST } },
  },
  {
    name: "different-cuts",
    about: "Two mappings cut the same records differently, and anew at every attempt.",
    shards: [{ id: P, records: [first, second, third] }],
    mappings: [
      { shard: P, cuts: [2] },
      { shard: P, cuts: [1, 3] },
    ],
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["crash"], landing: "prompt" } },
  },
  {
    name: "no-outputs",
    about: "Two mappings, and commits of which only the last sends anything.",
    pipeline: { each: false },
    shards: [{ id: P, records: [first, second, third] }],
    mappings: [
      { shard: P, cuts: [1, 2] },
      { shard: P, cuts: [3] },
    ],
    faults: { budget: 1, kinds: ["crash", "timeout"] },
    deep: { faults: { budget: 2, kinds: ["crash", "timeout"] } },
  },
  {
    name: "late-requests",
    about: "A process dies or gives up, and what it had sent lands at any moment after others have gone on.",
    shards: [{ id: P, records: [first, third] }],
    mappings: [{ shard: P, cuts: [1, 2] }],
    faults: { budget: 2, kinds: ["crash", "timeout"] },
    deep: { faults: { budget: 3, kinds: ["crash", "timeout"] } },
  },
  {
    name: "sinks-in-parts",
    about: "Two sinks, several rows each: either fails, in the middle too, and says so or does not.",
    shards: [{ id: P, records: [first, third, recordOf(4, 3), recordOf(5, 4)] }],
    mappings: [{ shard: P, cuts: [4] }],
    faults: { budget: 2, kinds: ["crash", "timeout", "part"], landing: "prompt" },
    deep: { faults: { budget: 3, kinds: ["crash", "timeout", "part"], landing: "prompt" } },
  },
  {
    name: "sinks-in-parts-twice",
    about: "The same over two commits: what is known of the first says nothing of the second.",
    shards: [{ id: P, records: [first, third, recordOf(4, 3), recordOf(5, 40)] }],
    mappings: [{ shard: P, cuts: [2] }],
    faults: { budget: 2, kinds: ["timeout", "part"], landing: "prompt" },
    deep: { faults: { budget: 2, kinds: ["crash", "timeout", "part"] } },
  },
  {
    name: "spilled",
    about: "Every body is an object of its own, and checkpoints follow as soon as they may.",
    limits: { spill: 0, shortLog: 0, checkpoint: 0, run: { entries: 1, block: 24 } },
    shards: [{ id: P, records: TWO_KEYS }],
    mappings: [{ shard: P, cuts: [2] }],
    faults: { budget: 1, kinds: LOST },
    deep: { faults: { budget: 2, kinds: ["crash", "timeout"] } },
  },
  {
    name: "checkpoint-in-parts",
    about:
      "A checkpoint takes several turns, so that it is of an epoch before the head, while another process does the same.",
    limits: { spill: 9_000, shortLog: 0, checkpoint: 0, run: { entries: 1, block: 24 }, turn: 1, late: 1e9 },
    pipeline: { each: false },
    shards: [{ id: P, records: TWO_KEYS }],
    mappings: [
      { shard: P, cuts: [1] },
      { shard: P, cuts: [3] },
    ],
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["crash", "timeout"] } },
  },
  {
    name: "spilled-race",
    about: "The same, and a second mapping spills other bodies for the same epochs.",
    limits: { spill: 0, shortLog: 0, checkpoint: 0, run: { entries: 1, block: 24 } },
    shards: [{ id: P, records: TWO_KEYS.slice(0, 4) }],
    mappings: [
      { shard: P, cuts: [2] },
      { shard: P, cuts: [4] },
    ],
    faults: { budget: 1, kinds: ["crash"], landing: "prompt" },
    deep: { faults: { budget: 1, kinds: LOST } },
  },
  {
    name: "warm",
    about: "Processes are used again, with what they knew when others have gone on since.",
    warm: 2,
    shards: [{ id: P, records: [first, second, third] }],
    mappings: [{ shard: P, cuts: [1] }],
    faults: { budget: 1, kinds: ["timeout", "double"] },
    deep: { faults: { budget: 2, kinds: LOST } },
  },
  {
    name: "warm-race",
    about: "The same, and a second mapping.",
    warm: 2,
    shards: [{ id: P, records: [first, third] }],
    mappings: [
      { shard: P, cuts: [1] },
      { shard: P, cuts: [1] },
    ],
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["timeout"], landing: "prompt" } },
  },
  {
    name: "poison-that-kills",
    about: "A record ends the process whenever it is folded, and infrastructure fails beside it (X7).",
    suspectAfter: HOUR,
    startsAt: ARRIVAL + 2 * HOUR,
    shards: [{ id: P, records: [first, recordOf(2, 2, { kills: true }), third] }],
    mappings: [{ shard: P, cuts: [1, 2, 3] }],
    faults: { budget: 1, kinds: ["crash", "timeout"] },
    deep: { faults: { budget: 2, kinds: ["crash", "timeout"] } },
  },
  {
    name: "suspect-and-innocent",
    about: "A record comes alone and late while infrastructure fails: that never makes it one that kills (X7).",
    suspectAfter: HOUR,
    startsAt: ARRIVAL + 2 * HOUR,
    shards: [{ id: P, records: [first] }],
    mappings: [{ shard: P, cuts: [1] }],
    faults: { budget: 3, kinds: ["timeout"], landing: "prompt" },
    deep: { faults: { budget: 4, kinds: ["timeout"] } },
  },
];

const QUIET: readonly Configuration[] = [
  {
    name: "writer-and-tick",
    about: "A tick comes while records are still to be read, and another closes the window (X12).",
    pipeline: { each: false, idle: { minutes: 1 } },
    shards: [{ id: P, records: [first, second] }],
    earlyTicks: 1,
    mappings: [{ shard: P, cuts: [1] }],
    faults: { budget: 1, kinds: ["crash", "repeat"], landing: "prompt" },
    deep: { earlyTicks: 2, faults: { budget: 1, kinds: ["crash", "timeout", "repeat"] } },
  },
  {
    name: "reentrant",
    about: "A batch and a tick meet in one process.",
    pipeline: { each: false, idle: { minutes: 1 } },
    earlyTicks: 1,
    messagesAtOnce: 1,
    reentrant: true,
    warm: 1,
    shards: [{ id: P, records: [first, second] }],
    mappings: [{ shard: P, cuts: [1] }],
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["timeout", "repeat"], landing: "prompt" } },
  },
  {
    name: "writer-and-drain",
    about: "The input is said to have ended while records come one by one.",
    arrivals: true,
    shards: [{ id: P, records: [first, second] }],
    mappings: [{ shard: P, cuts: [1, 2] }],
    messages: [{ type: "drain", shard: P }],
    faults: { budget: 1, kinds: ["crash", "timeout"] },
    deep: { faults: { budget: 2, kinds: ["crash", "timeout"] } },
  },
  {
    name: "early-drain",
    about: "A drain is sent while records wait to be read: it comes again until they are.",
    shards: [{ id: P, records: [first, second] }],
    mappings: [{ shard: P, cuts: [1, 2] }],
    messages: [{ type: "drain", shard: P }],
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["crash", "timeout"] } },
  },
  {
    name: "writer-and-sweep",
    about: "A sweep checkpoints and deletes beside a writer, when everything is half as old as it may get (X11).",
    pipeline: { each: false },
    limits: { spill: 0, shortLog: 0, checkpoint: 0, run: { entries: 1, block: 24 } },
    shards: [{ id: P, records: TWO_KEYS }],
    mappings: [{ shard: P, cuts: [1] }],
    messages: [{ type: "sweep", shard: P, at: ARRIVAL + 16 * DAY }],
    faults: { budget: 0, kinds: [] },
    deep: { faults: { budget: 1, kinds: ["crash", "timeout"] } },
  },
  {
    name: "expiry",
    about: "A task sleeps until its commits expire; a sweep half-way has made that safe (X11).",
    limits: { spill: 9_000, shortLog: 1e9, checkpoint: 1e9 },
    expiry: true,
    earlyTicks: 0,
    shards: [{ id: P, records: [first, second] }],
    mappings: [{ shard: P, cuts: [1] }],
    messages: [
      { type: "sweep", shard: P, at: ARRIVAL + 16 * DAY },
      { type: "drain", shard: P, at: ARRIVAL + 31 * DAY },
    ],
    faults: { budget: 1, kinds: ["crash"], landing: "prompt" },
    deep: { faults: { budget: 2, kinds: ["crash"], landing: "prompt" } },
  },
];

/** Every configuration, by what it is about. */
export const CONFIGURATIONS: readonly Configuration[] = [...ONE_SHARD, ...QUIET, ...RESHARDINGS];

/** As the longer run has it. */
export const deepened = ({ deep, ...configuration }: Configuration): Configuration => ({ ...configuration, ...deep });
