import { expect, test } from "vitest";
import { parseOptions } from "../../tools/dead-letters/options.ts";
import { UsageError } from "../../tools/run-tool.ts";
import { placeOf, stageOf } from "../../tools/dead-letters/place.ts";

const local = ["--queue", "http://q/letters", "--control-queue", "http://q/ticks", "--bucket", "state"];

test("what a command line asks for", () => {
  expect(parseOptions([])).toEqual({ command: "help" });
  expect(parseOptions(["list", "--stack", "flights-prod", "--json"])).toEqual({
    command: "list",
    where: { stack: "flights-prod" },
    json: true,
  });
  expect(parseOptions(["show", "t@1#0", ...local])).toMatchObject({ command: "show", id: "t@1#0" });
  expect(parseOptions(["redrive", "a@1#0", "b@2#0", ...local, "--tasks", "p:0:"])).toEqual({
    command: "redrive",
    where: {
      queue: "http://q/letters",
      bucket: "state",
      stages: [{ controlQueueUrl: "http://q/ticks", tasks: "p:0:" }],
    },
    selection: { ids: ["a@1#0", "b@2#0"] },
    dryRun: false,
    rate: 20,
  });
  expect(parseOptions(["redrive", "--all", "--dry-run", "--rate", "5", "--stack", "s"])).toMatchObject({
    selection: { all: true },
    dryRun: true,
    rate: 5,
  });
});

test("of several stages each has a control queue and a beginning of its tasks' names, in the same order", () => {
  const second = ["--control-queue", "http://q/more-ticks", "--tasks", "p:0:a:", "--tasks", "p:0:b:"];
  expect(parseOptions(["redrive", "--all", ...local, ...second])).toMatchObject({
    where: {
      stages: [
        { controlQueueUrl: "http://q/ticks", tasks: "p:0:a:" },
        { controlQueueUrl: "http://q/more-ticks", tasks: "p:0:b:" },
      ],
    },
  });
});

const wrong: readonly (readonly [why: string, args: readonly string[]])[] = [
  ["no such command", ["purge", ...local]],
  ["no place", ["list"]],
  ["two places", ["list", "--stack", "s", ...local]],
  ["no bucket", ["list", "--queue", "http://q/letters"]],
  ["no control queue", ["redrive", "--all", "--queue", "http://q/letters", "--bucket", "b"]],
  ["two control queues and one stage", ["redrive", "--all", ...local, "--control-queue", "b", "--tasks", "p:0:a:"]],
  ["nothing chosen", ["redrive", ...local]],
  ["two choices", ["redrive", "a@1#0", "--all", ...local]],
  ["an id too many", ["show", "a@1#0", "b@1#0", ...local]],
  ["a choice where there is none", ["list", "--all", ...local]],
  ["a rate of nothing", ["redrive", "--all", "--rate", "0", ...local]],
  ["an unknown option", ["list", "--force", ...local]],
];
for (const [why, args] of wrong) {
  test(`a command line with ${why} is refused`, () => {
    expect(() => parseOptions(args)).toThrow(UsageError);
  });
}

const OUTPUTS = {
  DeadLetterQueueUrl: "http://q/letters",
  StateBucket: "state",
  StageDeparturesTickQueueUrl: "http://q/ticks",
  StageDeparturesTasks: "flight-delays:2:departures:departures.0:",
};

test("a stack's outputs tell where everything is, and which tasks are its own", () => {
  const place = placeOf(OUTPUTS, "flights");
  expect(place).toMatchObject({ queueUrl: "http://q/letters", bucket: "state" });
  const own = "flight-delays:2:departures:departures.0:shardId-000000000000";
  expect(stageOf(place, own)?.controlQueueUrl).toBe("http://q/ticks");
  for (const other of [own.replace(":2:", ":1:"), own.replace(".0:", ".1:"), own.replace("flight-delays", "flights")]) {
    expect(stageOf(place, other)).toBeUndefined();
  }
});

test("of several pipelines in a stack one must be named; an old stack says what to do", () => {
  const two = Object.fromEntries(
    ["A", "B"].flatMap((prefix) =>
      Object.entries(OUTPUTS).map(([name, value]) => [`${prefix}${name}`, prefix + value]),
    ),
  );
  expect(() => placeOf(two, "both")).toThrow("Give --prefix, one of: A, B.");
  expect(placeOf(two, "both", "B")).toMatchObject({
    bucket: "Bstate",
    stages: [{ controlQueueUrl: "Bhttp://q/ticks" }],
  });
  expect(() => placeOf(two, "both", "C")).toThrow("has no output CDeadLetterQueueUrl");
  const { StageDeparturesTasks: _tasks, ...old } = OUTPUTS;
  expect(() => placeOf(old, "old")).toThrow("Deploy it again");
});
