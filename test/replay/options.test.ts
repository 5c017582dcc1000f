import { describe, expect, test } from "vitest";
import { compareKeys } from "../../tools/replay/objects.ts";
import { parseOptions } from "../../tools/replay/options.ts";

const parse = (line: string) => parseOptions(line.split(" "));

describe("npm run replay", () => {
  test("into a stream, or to a queue", () => {
    expect(parse("--bucket b --prefix p/ --module m.ts --stream s --rate 10")).toEqual({
      command: "stream",
      place: { bucket: "b", prefix: "p/", suffix: "" },
      module: "m.ts",
      source: undefined,
      stream: "s",
      rate: 10,
      progress: "replay-progress.json",
      dryRun: false,
    });
    expect(parse("--bucket b --suffix .gz --queue https://q --progress f")).toEqual({
      command: "queue",
      place: { bucket: "b", prefix: "", suffix: ".gz" },
      queueUrl: "https://q",
      progress: "f",
    });
    expect(parse("--bucket b --module m.ts --dry-run")).toMatchObject({ command: "stream", dryRun: true });
    expect(parse("--help")).toEqual({ command: "help" });
  });

  test.each([
    ["--queue q", /--bucket/],
    ["--bucket b", /--module FILE and --stream NAME, or --queue/],
    ["--bucket b --module m.ts", /--stream NAME/],
    ["--bucket b --queue q --stream s", /or --queue/],
    ["--bucket b --queue q --module m.ts --stream s", /or --queue/],
    ["--bucket b --module m.ts --stream s --rate 0", /--rate 0/],
    ["--bucket b --nonsense", /nonsense/],
  ])("refused: %s", (line, why) => {
    expect(() => parse(line)).toThrow(why);
  });

  test("keys are in the order of their bytes, as S3 lists them", () => {
    expect(["\u{1f600}", "\uffee", "b", "a"].toSorted(compareKeys)).toEqual(["a", "b", "\uffee", "\u{1f600}"]);
  });
});
