import type { Mutant } from "./mutant.ts";

/** Of circuit breakers. */
export const OF_BREAKERS: readonly Mutant[] = [
  {
    name: "what an open breaker refuses counts as delivered",
    invariant: "X5",
    file: "lib/runtime/guarded-writer.ts",
    find: 'if (entry.kind === "refused") throw breakerOpen(`The sink "${this.#sink}"`, entry.wait);',
    replace: 'if (entry.kind === "refused") return [];',
    within: 200,
  },
  {
    name: "a breaker that has opened lets nothing through any more",
    invariant: "X5",
    file: "lib/runtime/circuit-breaker.ts",
    find: "return left > 0 ? Math.min(left, this.#settings.policy.longestCoolDown) : undefined;",
    replace: "return Math.max(left, 1);",
    within: 200,
  },
];
