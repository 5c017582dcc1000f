import { describe, expect, test } from "vitest";
import { parseOptions } from "../../tools/translate/options.ts";
import { UsageError } from "../../tools/run-tool.ts";

const NEEDED = { table: "t", pipeline: "p", source: "s", sink: "c", read: '{"shard-0":"7","shard-1":""}' };
const argsOf = (options: Readonly<Record<string, string>>) =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);

test("npm run translate is told names and places", () => {
  expect(parseOptions(argsOf({ ...NEEDED, generation: "2", region: "eu-west-1" }))).toEqual({
    command: "translate",
    ...NEEDED,
    region: "eu-west-1",
    generation: 2,
    incarnation: 0,
    read: { "shard-0": "7", "shard-1": "" },
  });
  expect(parseOptions(["--help"])).toEqual({ command: "help" });
});

describe("what it cannot follow it refuses", () => {
  test.each(Object.keys(NEEDED))("without --%s", (name) => {
    const { [name as keyof typeof NEEDED]: _, ...others } = NEEDED;
    expect(() => parseOptions(argsOf(others))).toThrow(UsageError);
  });
  test.each([{ read: "[]" }, { read: "{}" }, { read: '{"a":7}' }, { read: "x" }, { generation: "-1" }, { other: "x" }])(
    "%j",
    (wrong) => {
      expect(() => parseOptions(argsOf({ ...NEEDED, ...wrong }))).toThrow(UsageError);
    },
  );
});
