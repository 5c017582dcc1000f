import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./code-blocks.ts";

const text = readFileSync(path.join(ROOT, "docs/security.md"), "utf8");
const threats = text
  .split(/^## /m)
  .find((section) => section.startsWith("Threats"))!
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => line.split("|").slice(1, -1));

test("each threat of docs/security.md names tests that exist", () => {
  expect(threats.length).toBeGreaterThan(15);
  for (const [threat, , testedBy] of threats) {
    const files = [...testedBy!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
    expect(files.length, threat).toBeGreaterThan(0);
    for (const file of files) expect(existsSync(path.join(ROOT, file)), `${threat!.trim()}: ${file}`).toBe(true);
  }
});
