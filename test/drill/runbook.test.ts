import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { alarmsOf, commandsOf, sectionFor } from "./runbook.ts";
import { LEFT_OUT, SCENARIOS } from "./scenarios.ts";

const document = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");

describe("the runbook's drill", () => {
  it("has each alarm of the table once: drilled, or left out with the reason", () => {
    const named = [...SCENARIOS.map(({ alarm }) => alarm), ...Object.keys(LEFT_OUT)];
    expect(named.sort()).toEqual([...alarmsOf(document)].sort());
  });

  it.each(SCENARIOS.map(({ alarm, then }) => [alarm, then] as const))(
    "finds what to type when %s is raised, or that it is the producer's to act",
    (alarm, then) => {
      expect(commandsOf(document, sectionFor(document, alarm)).length > 0 || then !== undefined).toBe(true);
    },
  );

  it("reads commands as a shell does: lines that go on, no comments, of one section alone", () => {
    const text =
      "## A\n\n```sh\n# why\none \\\n  two\nthree\n```\n\n```ts\nno\n```\n\n### Part\n\n```sh\nfour\n```\n\n## B\n\n```sh\nfive\n```\n";
    expect(commandsOf(text, "A")).toEqual(["one  two", "three", "four"]);
    expect(() => commandsOf(text, "C")).toThrow('no section "C"');
  });
});
