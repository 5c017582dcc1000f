import { WRITER_LIMITS } from "../../lib/runtime/commit-writer.ts";
import { affinityOf, rowOf, type Invocations, type Row, type RowSettings } from "./grid.ts";

/** A rule as it is and as it might be, on the same invocations. */
export interface WhatIf {
  readonly rule: string;
  readonly row: Row;
}

const KB = 1_024;
const MB = 1_024 * KB;

const busy = (shards: number, more: Partial<Invocations> = {}): Invocations => ({
  shards,
  duty: 0.5,
  assignment: "random",
  ...more,
});

interface Case {
  readonly rule: string;
  readonly invocations: Invocations;
  readonly settings: RowSettings;
}

const bytes = (n: number): string => (n >= MB ? `${n / MB} MB` : `${n / KB} KB`);

/** How many states a container keeps: as the rule is, or as many as its memory holds. */
const cache: readonly Case[] = [busy(100), busy(1_000, { warmUp: 1_000 })].flatMap((invocations): Case[] => [
  { rule: "keep 64 states", invocations, settings: { stateBytes: 100 * KB } },
  {
    rule: "keep as many as fit",
    invocations: { ...invocations, cachedTasks: 2_000 },
    settings: { stateBytes: 100 * KB },
  },
  {
    rule: "keep as many as fit, follow 8 commits at most",
    invocations: { ...invocations, cachedTasks: 2_000 },
    settings: { stateBytes: 100 * KB, changed: { readAtMost: 9 } },
  },
]);

/** How far a stale container follows the log before it loads the checkpoint. */
const follow: readonly Case[] = [10, 100].flatMap((shards) =>
  [10 * KB, 1 * MB].flatMap((stateBytes) =>
    [undefined, 32, 8, 4].map((most): Case => ({
      rule: most === undefined ? "follow to the head" : `follow ${most} commits at most`,
      invocations: busy(shards),
      settings: { stateBytes, changed: most === undefined ? {} : { readAtMost: most + 1 } },
    })),
  ),
);

const checkpoints: readonly Case[] = [
  ...[1 * MB, 10 * MB, 50 * MB].flatMap((stateBytes) =>
    [1, 1 / 4, 1 / 16].map((stateShare): Case => ({
      rule: `checkpoint after ${stateShare === 1 ? "" : `1/${1 / stateShare} of `}the state's bytes`,
      invocations: busy(1_000),
      settings: { stateBytes, changed: { stateShare } },
    })),
  ),
  ...[80 * KB, 160 * KB, 320 * KB].map((checkpoint): Case => ({
    rule: `checkpoint after ${bytes(checkpoint)} read at least`,
    invocations: busy(1_000),
    settings: { stateBytes: 10 * KB, changed: { limits: { ...WRITER_LIMITS, checkpoint } } },
  })),
];

/** Commits of 20 KB: their bodies are objects, and count for what a GET costs as well. */
const spills: readonly Case[] = [100 * KB, 1 * MB].flatMap((stateBytes): Case[] => {
  const spilled = { stateBytes, commitBytes: 20 * KB };
  const invocations = busy(1_000);
  const limits = { ...WRITER_LIMITS, spill: 32 * KB };
  return [
    { rule: "20-KB commits: spilled", invocations, settings: spilled },
    { rule: "20-KB commits: spill above 32 KB", invocations, settings: { ...spilled, changed: { limits } } },
  ];
});

/** A commit that holds the whole state needs nothing before it: no log, no checkpoint. */
const wholes: readonly Case[] = [6 * KB, 8 * KB].flatMap((stateBytes): Case[] => {
  const invocations = busy(1_000);
  return [
    { rule: "write deltas of 3 KB", invocations, settings: { stateBytes } },
    { rule: "write the state whole", invocations, settings: { stateBytes, commitBytes: stateBytes } },
  ];
});

const cases = [...follow, ...cache, ...checkpoints, ...spills, ...wholes];

export async function whatIfs(): Promise<readonly WhatIf[]> {
  const rows: WhatIf[] = [];
  for (const { rule, invocations, settings } of cases) {
    rows.push({ rule, row: await rowOf(invocations, affinityOf(invocations), settings) });
  }
  return rows;
}
