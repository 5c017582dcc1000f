import { expect, test } from "vitest";
import { bytesFrom } from "../../bench/bundle/sizes.ts";

test("what is read at the start is an entry point with all that it imports, once, and nothing that it asks for later", () => {
  const output = (
    bytes: number,
    imports: readonly (readonly [string, "import-statement" | "dynamic-import"])[] = [],
  ) => ({
    ...{ bytes, inputs: {}, exports: [] },
    imports: imports.map(([path, kind]) => ({ path, kind })),
  });
  const outputs = {
    "index.mjs": {
      ...output(1, [
        ["shared.mjs", "import-statement"],
        ["other.mjs", "import-statement"],
        ["later.mjs", "dynamic-import"],
      ]),
      entryPoint: "x/index.ts",
    },
    "other.mjs": output(10, [["shared.mjs", "import-statement"]]),
    "shared.mjs": output(100),
    "later.mjs": { ...output(1_000), entryPoint: "x/later.ts" },
  };
  expect(bytesFrom({ inputs: {}, outputs }, (entry) => entry === "x/index.ts")).toBe(111);
});
