import { describe, expect, it } from "vitest";
import { parseOptions } from "../../tools/error-rows/options.ts";
import { UsageError } from "../../tools/run-tool.ts";
import { lakesOf } from "../../tools/error-rows/place.ts";

describe("npm run error-rows", () => {
  it("takes a stack, or one lake's bucket, prefix and delivery stream", () => {
    expect(parseOptions(["put", "--stack", "s", "--lake", "l", "--rate", "7", "--limit", "2", "--dry-run"])).toEqual({
      ...{ command: "put", where: { stack: "s" }, lake: "l", rate: 7, limit: 2, dryRun: true },
    });
    const own = ["--bucket", "b", "--error-prefix", "errors/l/", "--delivery-stream", "d"];
    expect(parseOptions(["list", ...own])).toMatchObject({
      where: { name: "d", bucket: "b", errorPrefix: "errors/l/", deliveryStream: "d" },
    });
    expect(parseOptions([])).toEqual({ command: "help" });
  });

  it.each([
    [["take", "--stack", "s"], "no command"],
    [["put"], "Where are the rows"],
    [["put", "--bucket", "b", "--error-prefix", "e/"], "Where are the rows"],
    [["put", "--bucket", "b", "--error-prefix", "", "--delivery-stream", "d"], "ends with a slash"],
    [["put", "--stack", "s", "--bucket", "b"], "not both"],
    [["put", "--stack", "s", "--rate", "0"], "--rate is a whole number"],
    [["put", "--stack", "s", "x"], 'takes no "x"'],
    [["list", "--stack", "s", "--dry-run"], "takes no --dry-run"],
    [["list", "--stack", "s", "--al"], "See --help"],
  ])("refuses %j", (args, why) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(why);
  });
});

describe("a stack's lakes", () => {
  const of = (prefix: string, name: string) => ({
    [`${prefix}LakeBucket`]: "bucket",
    [`${prefix}Lake${name}View`]: name.toLowerCase(),
    [`${prefix}Lake${name}ErrorPrefix`]: `errors/${name}/`,
    [`${prefix}Lake${name}DeliveryStream`]: `${prefix}-${name}`,
  });

  it("are those of its outputs, by name, and of one pipeline where that is given", () => {
    const outputs = { ...of("", "B"), ...of("", "A"), ...of("Web", "C"), Pipeline: "p" };
    const [a] = lakesOf(outputs, "s");
    expect(a).toEqual({ name: "a", bucket: "bucket", errorPrefix: "errors/A/", deliveryStream: "-A" });
    expect(lakesOf(outputs, "s").map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(lakesOf(outputs, "s", "Web").map(({ name }) => name)).toEqual(["c"]);
  });

  it("are refused where there are none, or a version before this one was deployed", () => {
    expect(() => lakesOf({ Pipeline: "p" }, "s")).toThrow("has no lake");
    const { LakeAErrorPrefix: _, ...older } = of("", "A");
    expect(() => lakesOf(older, "s")).toThrow("Deploy it again");
  });
});
