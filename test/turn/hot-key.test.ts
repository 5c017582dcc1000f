import { expect, test } from "vitest";
import { KeyShares } from "../../lib/runtime/hot-key.ts";
import { encodeKey, type KeyValues } from "../../lib/state/key.ts";

const add = (shares: KeyShares, key: KeyValues, records: number) => shares.add(key, encodeKey(key), records);

test("the key that most records were of, and its share; what was counted is forgotten", () => {
  const shares = new KeyShares();
  add(shares, { site: "a", line: 1n }, 30);
  add(shares, { site: "b", line: 1n }, 50);
  add(shares, { site: "a", line: 1n }, 120);
  expect(shares.take()).toEqual({ key: { site: "a", line: 1n }, share: 0.75 });
  expect(shares.take()).toBeUndefined();
});

test("nothing of few records, or of one key alone", () => {
  const shares = new KeyShares();
  add(shares, { site: "a" }, 98);
  add(shares, { site: "b" }, 1);
  expect(shares.take()).toBeUndefined();
  add(shares, { site: "a" }, 1_000);
  expect(shares.take()).toBeUndefined();
});

test.each<[string, (key: Record<string, unknown>) => void]>([
  ["changed", (key) => (key["site"] = "c")],
  ["left out", (key) => delete key["site"]],
  ["added", (key) => (key["more"] = "c")],
  ["put in place of what no key has", (key) => (key["site"] = {})],
])("nothing of a key of which user code has a field %s", (_, change) => {
  const shares = new KeyShares();
  const key = { site: "a", line: "b" };
  add(shares, key, 200);
  add(shares, { site: "b", line: "b" }, 1);
  change(key);
  expect(shares.take()).toBeUndefined();
});
