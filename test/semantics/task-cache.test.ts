import { expect, test } from "vitest";
import { MAX_TASKS, TaskCache } from "../../lib/runtime/task-cache.ts";

/** Uses tasks of so many bytes, in order, and says which of all were made how often. */
function use(cache: TaskCache<{ stateMemory: number }>, names: string, bytes: number): string {
  let made = "";
  for (const name of names) {
    cache.get(name, () => ((made += name), { stateMemory: bytes }));
  }
  return made;
}

test("what was not used for longest goes first when there are too many bytes, and a used one stays", () => {
  const cache = new TaskCache<{ stateMemory: number }>(300);
  expect(use(cache, "abca", 100)).toBe("abc");
  expect(use(cache, "d", 100)).toBe("d"); // b goes
  expect(use(cache, "acd", 100)).toBe("");
  expect(use(cache, "b", 100)).toBe("b");
});

test("a state larger than all that may be kept is kept while it is the only one", () => {
  const cache = new TaskCache<{ stateMemory: number }>(10);
  expect(use(cache, "aaa", 100)).toBe("a");
  expect(use(cache, "baba", 100)).toBe("baba");
});

test("bytes are counted as they are now, not as they were", () => {
  const cache = new TaskCache<{ stateMemory: number }>(100);
  const grown = { stateMemory: 0 };
  cache.get("grown", () => grown);
  expect(use(cache, "a", 10)).toBe("a");
  grown.stateMemory = 1_000;
  expect(use(cache, "b", 10)).toBe("b");
  expect(use(cache, "a", 10)).toBe("");
  expect(cache.get("grown", () => ({ stateMemory: 1 }))).not.toBe(grown);
});

test("there are never more than a fixed number", () => {
  const cache = new TaskCache<{ stateMemory: number }>(Number.POSITIVE_INFINITY);
  for (let i = 0; i <= MAX_TASKS; i++) cache.get(String(i), () => ({ stateMemory: 0 }));
  let isMade = false;
  cache.get("1", () => ((isMade = true), { stateMemory: 0 }));
  expect(isMade).toBe(false);
  cache.get("0", () => ((isMade = true), { stateMemory: 0 }));
  expect(isMade).toBe(true);
});
