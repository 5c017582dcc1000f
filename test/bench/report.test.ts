import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../bench/harness/work.ts";
import { withClaims } from "../../bench/readme.ts";
import { documents } from "../../bench/report.ts";

test("the documents' and the README's figures are those of the last results: npm run bench -- report", async () => {
  const made = await documents();
  expect([...made.keys()]).toEqual(expect.arrayContaining(["README.md", "docs/performance.md", "docs/cost.md"]));
  const differing = [...made].filter(([name, text]) => readFileSync(path.join(ROOT, name), "utf8") !== text);
  expect(differing.map(([name]) => name)).toEqual([]);
});

test("the README's figures each name the command that makes them, and stand between their marks alone", () => {
  const readme = withClaims("before\n<!-- figures: x -->\nold\n<!-- end -->\nafter\n");
  expect(readme).toMatch(/^before\n<!-- figures: x -->\n\n- [^]*\)\n\n<!-- end -->\nafter\n$/);
  const lines = readme.split("\n").filter((line) => line.startsWith("- "));
  expect(lines.length).toBeGreaterThanOrEqual(6);
  for (const line of lines) expect(line).toMatch(/\(`npm run bench -- [a-z-]+`\)$/);
  expect(() => withClaims("nothing")).toThrow("no place");
});
