import { expect, test } from "vitest";
import { parseOptions } from "../../tools/probe-aws/options.ts";

test("where it runs has to be said", () => {
  expect(parseOptions(["--on", "local"])).toMatchObject({ on: "local", services: [] });
  expect(() => parseOptions([])).toThrow("--on is one of");
  expect(() => parseOptions(["--on", "azure"])).toThrow("--on is one of");
});

test("AWS is touched by who says yes alone", () => {
  expect(() => parseOptions(["--on", "aws"])).toThrow("billed");
  expect(parseOptions(["--on", "aws", "--yes"]).on).toBe("aws");
});

test("a service that is not probed is refused", () => {
  expect(() => parseOptions(["--on", "local", "--service", "sns"])).toThrow('not "sns"');
});
