import type { TaskStatus } from "millrace/lambda";
import { expect, test } from "vitest";
import { END_OF_TIME } from "../../lib/time/instant.ts";
import { drainAll, type DrainOptions } from "./drain.ts";

/** Tasks that end when they were told a number of times, and a queue that is empty at once. */
function setting(deafness: Readonly<Record<string, number>>, undelivered: readonly string[] = []) {
  const told = new Map<string, number>();
  const events: string[] = [];
  const options: DrainOptions = {
    names: Object.keys(deafness),
    send: async (task) => {
      told.set(task, (told.get(task) ?? 0) + 1);
      events.push(`send ${task}`);
    },
    isSettled: async () => true,
    look: async () => {
      events.push("look");
      return Object.entries(deafness).map(([task, wanted]): TaskStatus => ({
        task,
        epoch: 1,
        position: undefined,
        counters: new Map(),
        sealed: task === "parent",
        watermark: (told.get(task) ?? 0) >= wanted ? END_OF_TIME : 7,
        delivered: !undelivered.includes(task),
      }));
    },
    sleep: async () => undefined,
    onSent: () => void events.push("calm"),
    onSettled: async () => void events.push("settled"),
  };
  return { options, events };
}

test("tells every task once, and looks when the queue is empty", async () => {
  const { options, events } = setting({ a: 1, b: 1 });
  expect((await drainAll(options)).length).toBe(2);
  expect(events).toEqual(["send a", "send b", "calm", "settled", "look"]);
});

test("tells a task that refused again, and only that", async () => {
  const { options, events } = setting({ a: 1, b: 3 });
  await drainAll(options);
  expect(events).toEqual(["send a", "send b", "calm", "settled", "look", "send b", "look", "send b", "look"]);
});

test("a task that never ends, or whose last commit is not delivered, is an error that names it", async () => {
  await expect(drainAll(setting({ a: 1, b: Number.POSITIVE_INFINITY }).options)).rejects.toThrow("b@1 (watermark 7)");
  await expect(drainAll(setting({ a: 1, b: 1 }, ["a"]).options)).rejects.toThrow("a@1");
});

test("readers are told nothing, and waited for: they end when those that they read from have", async () => {
  const { options, events } = setting({ a: 1 });
  let left = 3;
  const status = (watermark: number): TaskStatus => ({
    task: "reader",
    epoch: 1,
    position: undefined,
    counters: new Map(),
    sealed: false,
    watermark,
    delivered: true,
  });
  const look = async () => [...(await options.look()), status(--left > 0 ? 7 : END_OF_TIME)];
  await drainAll({ ...options, readers: ["reader"], look });
  expect(events).toEqual(["send a", "calm", "settled", "look", "look", "look"]);
  left = Number.POSITIVE_INFINITY;
  await expect(drainAll({ ...options, readers: ["reader"], look })).rejects.toThrow("reader@1 (watermark 7)");
});

test("tasks that have handed over to others are told nothing, and are not waited for", async () => {
  const { options, events } = setting({ parent: Number.POSITIVE_INFINITY, child: 1 });
  expect((await drainAll({ ...options, names: ["child"] })).map(({ task }) => task)).toEqual(["parent", "child"]);
  expect(events.filter((event) => event.startsWith("send"))).toEqual(["send child"]);
});
