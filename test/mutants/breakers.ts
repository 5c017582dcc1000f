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
    name: "a turn that an open breaker refuses ends with success",
    invariant: "X5",
    file: "lib/runtime/task.ts",
    find: "await this.#settings.debts.admit(this.#name);",
    replace: "try {\n  await this.#settings.debts.admit(this.#name);\n} catch {\n  return undefined as never;\n}",
    within: 200,
  },
];
