import { Script } from "node:vm";
import { expect, test } from "vitest";
import { FUNCTION_CODE } from "../../tools/probe-aws/function-code.ts";

test("the probes' function fits into a template (AWS: 4 KB of inline code)", () => {
  expect(Buffer.byteLength(FUNCTION_CODE)).toBeLessThanOrEqual(4_096);
  expect(() => new Script(FUNCTION_CODE)).not.toThrow();
});
