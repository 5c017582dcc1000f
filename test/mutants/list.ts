import type { Mutant } from "./mutant.ts";

/** Deliberate defects, at least two per invariant: the simulator must catch each of them by itself. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "a put that was lost to another counts as won",
    invariant: "X1",
    file: "lib/runtime/task.ts",
    find: "if (!appended.won) return undefined;",
    replace: "",
    within: 200,
  },
];
