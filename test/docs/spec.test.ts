import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "./code-blocks.ts";

const spec = readFileSync(path.join(ROOT, "docs/spec.md"), "utf8");
const sections = spec.split(/^### (?=X\d)/m).slice(1);
const pathsIn = (text: string, line: string): string[] =>
  [...(new RegExp(`^${line}: (.*(?:\\n[^\\n#]+)*)`, "m").exec(text)?.[1] ?? "").matchAll(/`([^`]+\.ts)`/g)].map(
    ([, file]) => file!,
  );

const textsIn = (folder: string): string[] =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(path.join(ROOT, folder, file), "utf8"));

describe("the specification", () => {
  test("has every invariant, in order", () => {
    expect(sections.map((section) => /^X(\d+) /.exec(section)?.[1])).toEqual(
      Array.from({ length: 12 }, (_, i) => String(i + 1)),
    );
  });

  test.each(sections.map((section) => [/^X\d+/.exec(section)![0], section] as const))(
    "%s names code and tests that exist",
    (_invariant, section) => {
      const [code, tests] = [pathsIn(section.split(/^## /m)[0]!, "Code"), pathsIn(section.split(/^## /m)[0]!, "Tests")];
      expect(code.length).toBeGreaterThan(0);
      expect(tests.length).toBeGreaterThan(0);
      for (const file of [...code, ...tests]) expect(existsSync(path.join(ROOT, file)), file).toBe(true);
    },
  );

  test("its tables are total: no cell is empty", () => {
    const rows = spec.split("\n").filter((line) => line.startsWith("|"));
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) {
      const cells = row.split("|").slice(1, -1);
      for (const cell of cells) expect(cell.trim(), row).not.toBe("");
    }
  });

  test("every error code it names is one the library raises", () => {
    const code = ["lib/runtime", "lib/operators", "lib/state"].flatMap(textsIn).join("\n");
    const named = [...spec.matchAll(/`((?:state|reshard|source|process|task|delivery)\/[a-z-]+)`/g)].map(([, c]) => c!);
    expect(named.length).toBeGreaterThan(5);
    for (const one of new Set(named)) expect(code.includes(`"${one}"`), one).toBe(true);
  });
});
