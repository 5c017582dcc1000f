import { expect, test } from "vitest";
import { parseOptions } from "./options.ts";

test("without options an emulator is started", () => {
  expect(parseOptions([])).toEqual({ endpoint: undefined, help: false });
});

test("an endpoint is one on this machine", () => {
  expect(parseOptions(["--endpoint", "http://127.0.0.1:4566"]).endpoint).toBe("http://127.0.0.1:4566");
  for (const wrong of ["https://kinesis.us-east-1.amazonaws.com", "http://127.0.0.1", "4566"])
    expect(() => parseOptions(["--endpoint", wrong])).toThrow("on this machine");
});

test.each([["--endpoints"], ["now"]])("%s is refused", (arg) => {
  expect(() => parseOptions([arg])).toThrow("See --help.");
});
