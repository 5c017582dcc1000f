import { expect, test } from "vitest";
import { parseOptions } from "../../tools/state/options.ts";
import { UsageError } from "../../tools/run-tool.ts";
import { statePlaceOf } from "../../tools/state/place.ts";

const local = ["--table", "log", "--bucket", "state", "--stream", "arn:s/a", "--tasks", "p:0:a:a.0:"];

test("what a command line asks for", () => {
  expect(parseOptions([])).toEqual({ command: "help" });
  expect(parseOptions(["largest", "--stack", "flights-prod", "--operator", "hourly", "--json"])).toEqual({
    command: "largest",
    where: { stack: "flights-prod" },
    pipeline: undefined,
    operator: "hourly",
    shard: undefined,
    limit: 20,
    json: true,
  });
  expect(parseOptions(["largest", ...local, "--limit", "5"])).toMatchObject({
    where: { table: "log", bucket: "state", stages: [{ streamArn: "arn:s/a", tasks: "p:0:a:a.0:" }] },
    limit: 5,
  });
});

test.each<[readonly string[], RegExp]>([
  [["smallest", ...local], /no command "smallest"/],
  [["largest"], /Give --stack NAME, or --table/],
  [["largest", "--stack", "s", ...local], /not both/],
  [["largest", ...local, "--tasks", "p:0:b:b.0:"], /for each stage/],
  [["largest", ...local, "--limit", "0"], /--limit is a whole number/],
  [["largest", ...local, "extra"], /takes no "extra"/],
])("a command line that cannot be followed is refused: %j", (args, message) => {
  expect(() => parseOptions(args)).toThrow(UsageError);
  expect(() => parseOptions(args)).toThrow(message);
});

test("a stack's outputs tell where its stages' state is", () => {
  const outputs = {
    ChangelogTable: "log",
    StateBucket: "state",
    SourceOrdersStreamArn: "arn:s/orders",
    ShuffleByShopStreamArn: "arn:s/by-shop",
    StageOrdersTasks: "shops:0:orders:orders.0:",
    StageByShopTasks: "shops:0:by-shop:by-shop.0:",
  };
  expect(statePlaceOf(outputs, "s")).toEqual({
    table: "log",
    bucket: "state",
    stages: [
      { tasks: "shops:0:orders:orders.0:", streamArn: "arn:s/orders" },
      { tasks: "shops:0:by-shop:by-shop.0:", streamArn: "arn:s/by-shop" },
    ],
  });
  const two = { ...outputs, OtherChangelogTable: "log2", OtherStateBucket: "state2" };
  expect(() => statePlaceOf(two, "s")).toThrow(/has 2 pipelines.*--prefix/);
  expect(statePlaceOf(two, "s", "Other")).toMatchObject({ table: "log2", stages: [] });
  expect(() => statePlaceOf({}, "s")).toThrow(/no output ChangelogTable/);
});
