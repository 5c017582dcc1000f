import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampledTrace } from "../../lib/state/traceparent.ts";

describe("what is a trace", () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const span = "00f067aa0ba902b7";
  const kept = `00-${trace}-${span}-01`;

  test.each([
    ["as it is", kept, kept],
    ["of other flags, too", `00-${trace}-${span}-03`, kept],
    ["of a later version", `01-${trace}-${span}-01`, kept],
    ["of a later version with more to say", `cc-${trace}-${span}-01-what-the-future-brings`, kept],
    ["not sampled", `00-${trace}-${span}-00`, undefined],
    ["of other flags, not sampled", `00-${trace}-${span}-02`, undefined],
    ["of the version that is none", `ff-${trace}-${span}-01`, undefined],
    ["with more to say than its version has", `00-${trace}-${span}-01-more`, undefined],
    ["of a later version with something appended", `01-${trace}-${span}-01.more`, undefined],
    ["in capitals", kept.toUpperCase(), undefined],
    ["without a trace id", `00-${"0".repeat(32)}-${span}-01`, undefined],
    ["without a parent id", `00-${trace}-${"0".repeat(16)}-01`, undefined],
    ["too short", kept.slice(0, -1), undefined],
    ["with blanks", ` ${kept}`, undefined],
    ["with a line's end", `${kept}\n`, undefined],
    ["long", `01-${trace}-${span}-01-${"x".repeat(1_000)}`, undefined],
    ["a number", 1, undefined],
    ["nothing", undefined, undefined],
  ])("%s", (_, value, expected) => expect(sampledTrace(value)).toBe(expected));

  test("whatever a text is, what is kept of it is kept as it is", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)),
        (any) => {
          const once = sampledTrace(any);
          if (once !== undefined) expect(sampledTrace(once)).toBe(once);
        },
      ),
    );
  });
});
