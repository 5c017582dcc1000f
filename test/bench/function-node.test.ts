import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DESCRIPTION } from "../../bench/harness/function-node.ts";
import { FUNCTION_RUNTIME } from "../../lib/cdk/function-runtime.ts";

test("what Millrace takes is measured on the Node that its functions run on", () => {
  const { optionalDependencies } = JSON.parse(readFileSync(DESCRIPTION, "utf8")) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const majors = Object.values(optionalDependencies).map((version) => `nodejs${version.split(".")[0]!}.x`);
  expect(new Set(majors)).toEqual(new Set([FUNCTION_RUNTIME.name]));
});
