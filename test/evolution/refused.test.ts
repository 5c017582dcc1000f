import { eventTime, lake, list, pipeline, text, value, type Pipeline } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { record, Rig } from "../support/rig.ts";
import { eventsOf } from "./events.ts";

const event = z.object({ key: z.string(), time: z.number(), n: z.number(), tag: z.string() });
type Event = z.infer<typeof event>;

const source = eventsOf(event, 5);

/** After all that has a time. */
const FAR = 1_000_000;

describe("without a word the task stops, and nothing is changed", () => {
  type Definition = Parameters<ReturnType<typeof keyed>["process"]>[1];
  const nowhere = lake("nowhere", { key: text }) as never;
  const keyed = (flow: Parameters<Parameters<typeof pipeline>[1]>[0]) => flow.from(source).byKey;
  const of = (definition: Partial<Definition>, name = "p", dropped: readonly string[] = []): Pipeline =>
    pipeline(
      "changing",
      (flow) => {
        const onTimer = definition.timers && { onTimer: () => undefined };
        keyed(flow)
          .process(name, { onRecord: () => undefined, ...onTimer, ...definition } as Definition)
          .to(nowhere);
      },
      { dropped },
    );
  const setting: Partial<Definition> = {
    state: { a: value(z.number()) },
    timers: { t: eventTime },
    onRecord(_event, { state, timers }) {
      (state as unknown as { a: { set(n: number): void } }).a.set(1);
      timers["t"]!.set(FAR);
    },
  };
  const some: Event = { key: "a", time: 1, n: 1, tag: "x" };

  test.each<[string, Partial<Definition>, string, RegExp]>([
    [
      "state taken out",
      { timers: { t: eventTime } },
      "state/shape",
      /operator "p", written by build "build-1", does not fit this build: it has a "a", which this build does not have\. .*version: 2, migrate: \{ 1: \{ removed: \["a"\] \} \}/,
    ],
    [
      "a timer taken out",
      { state: { a: value(z.number()) } },
      "state/shape",
      /it has a "t", which this build does not have\. .*version: 2, migrate: \{ 1: \{ removed: \["timers\.t"\] \} \}/,
    ],
    [
      "a version without a migration",
      { ...setting, state: { a: value(z.string(), { version: 2 }) } },
      "state/shape",
      /"a" was written as value\/1, and this build's is value\/2\. .*"a": give it migrate: \{ 1: \(old\) => … \}/,
    ],
    [
      "another kind",
      { ...setting, state: { a: list(z.number()) } },
      "state/shape",
      /"a" was written as value\/1, and this build's is list\/1\. .*take "a" out and add another/,
    ],
    [
      "another schema of the same version",
      { ...setting, state: { a: value(z.string()) } },
      "state/cell",
      /The state "a" of operator "p" holds what its schema refuses: .*raise the state's version and give it a migration/,
    ],
    [
      "a migration that throws",
      {
        ...setting,
        state: {
          a: value(z.string(), {
            version: 2,
            migrate: {
              1: () => {
                throw new Error("cannot be");
              },
            },
          }),
        },
      },
      "state/cell",
      /holds what its migration, or the schema after it, refuses: cannot be/,
    ],
  ])("%s", async (_what, changed, code, message) => {
    const rig = new Rig(of(setting));
    rig.deploy(of(setting), "build-1");
    await rig.task().turn({ kind: "records", records: [record(1, some)] });
    const before = await rig.header();
    rig.deploy(of(changed), "build-2");
    const turn = rig.task().turn({ kind: "records", records: [record(2, some)] });
    await expect(turn).rejects.toMatchObject({
      kind: "systemic",
      code,
      message: expect.stringMatching(message) as string,
    });
    expect(await rig.header()).toEqual(before);
    // What has come meanwhile is folded once version 1 is back.
    rig.deploy(of(setting), "build-3");
    await rig.task().turn({ kind: "records", records: [record(2, some)] });
    expect((await rig.header())!.position.sequence).toBe("2");
  });

  test("another name, and no word", async () => {
    const rig = new Rig(of(setting));
    await rig.task().turn({ kind: "records", records: [record(1, some)] });
    rig.deploy(of(setting, "renamed"), "build-2");
    await expect(rig.task().turn({ kind: "drain" })).rejects.toMatchObject({
      code: "state/shape",
      message: expect.stringMatching(
        /the state of operator "p", written by build "test", is of no use to this build: its stage has no such operator\. .*was: \["p"\].*dropped: \["p"\]/,
      ) as string,
    });
    rig.deploy(of(setting, "renamed", ["p"]), "build-3");
    await rig.task().turn({ kind: "records", records: [record(2, some)] });
    const operators = [...rig.reports.at(-1)!.stateEntries.keys()];
    expect(operators).toEqual(["renamed"]);
  });

  test("old code meets newer state", async () => {
    const newer: readonly (readonly [Pipeline, string])[] = [
      [
        of({ ...setting, state: { a: value(z.number(), { version: 2, migrate: { 1: (a: number) => a } }) } }),
        "state/newer",
      ],
      [of({ ...setting, version: 2, migrate: { 1: { removed: ["b"] } } }), "state/newer"],
      [of({ ...setting, state: { ...setting.state, b: value(z.number()) } }), "state/shape"],
      [of({ ...setting, was: ["p"] }, "renamed"), "state/shape"],
      [of(setting, "renamed", ["p"]), "state/newer"],
    ];
    for (const [second, code] of newer) {
      const rig = new Rig(of(setting));
      const zombie = rig.task();
      await zombie.turn({ kind: "records", records: [record(1, some)] });
      rig.deploy(second, "build-2");
      const task = rig.task();
      await task.turn({ kind: "records", records: [record(2, some)] });
      const before = await rig.header();
      const refusal = { kind: "systemic", code, message: expect.stringMatching(/build "build-2"/) as string };
      await expect(zombie.turn({ kind: "records", records: [record(3, some)] })).rejects.toMatchObject(refusal);
      rig.deploy(of(setting), "build-3");
      await expect(rig.task().turn({ kind: "sweep" })).rejects.toMatchObject(refusal);
      expect(await rig.header()).toEqual(before);
      await task.turn({ kind: "records", records: [record(3, some)] });
      expect((await rig.header())!.position.sequence).toBe("3");
    }
  });
});
