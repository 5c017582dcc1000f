import type { Mutant } from "./mutant.ts";

/** Of what stages send to each other. */
export const OF_SHUFFLES: readonly Mutant[] = (
  [
    {
      name: "an element is taken in as often as it comes",
      invariant: "X8",
      file: "lib/state/producers.ts",
      find: "if ((bits[n >> 3]! & bit) !== 0) return false;",
      replace: "",
      within: 40,
    },
    {
      name: "elements of an epoch that is over are taken in",
      invariant: "X8",
      file: "lib/state/producers.ts",
      find: "epoch < at || (epoch === at && seen === null)) return indexes",
      replace: "(epoch === at && seen === null)) return indexes",
      within: 400,
    },
    {
      name: "news come before the elements that they are about",
      invariant: "X8",
      file: "lib/runtime/shuffle/writer.ts",
      find: "if (elements.length > 0) await this.#stream.put(elements);",
      replace:
        "if (news.length > 0) await this.#tellAll(news);\n    if (elements.length > 0) await this.#stream.put(elements);",
      within: 20,
    },
    {
      name: "partitions that were split meanwhile are told nothing",
      invariant: "X5",
      file: "lib/runtime/shuffle/writer.ts",
      find: "if (missing.every(({ id }) => told.has(id))) return;",
      replace: "return;",
      within: 200,
    },
    {
      name: "event time follows whichever producer is looked at last",
      invariant: "X8",
      file: "lib/state/producers.ts",
      find: "areIdle = false;\n    least = Math.min(least, watermark);",
      replace: "areIdle = false;\n    least = watermark;",
      within: 40,
    },
  ] as const
).map((mutant) => ({ ...mutant, isStaged: true }));
