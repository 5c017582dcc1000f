import { hopping, tumbling, windows } from "millrace";
import { expect, test } from "vitest";

test.each([
  ["tumbling", tumbling({ millis: 10 })],
  ["hopping", hopping({ size: { millis: 10 }, every: { millis: 5 } })],
] as const)("%s: what one caller does to the windows it was given is nothing to the next record", (_name, aligned) => {
  const before = JSON.stringify(aligned.assign(5));
  // Windows of one's own, made of those of another assigner.
  const own = windows({
    version: 1,
    assign: (time) => {
      const all = aligned.assign(time) as { start: number; end: number }[];
      try {
        all.push({ start: time, end: time + 1 });
      } catch {
        // Refused, which is as good.
      }
      return all;
    },
  });
  own.assign(6, undefined);
  expect(JSON.stringify(aligned.assign(7))).toBe(before);
});
