import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../docs/code-blocks.ts";
import { mutate } from "./bundle.ts";
import { MUTANTS } from "./list.ts";

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))("%s: its text is there, once", (_name, mutant) => {
  const source = readFileSync(path.join(ROOT, mutant.file), "utf8");
  expect(mutate(source, mutant)).not.toBe(source);
});

test("no two mutants have one name, by which they are asked for and reported", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
