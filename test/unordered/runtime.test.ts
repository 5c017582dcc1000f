import fc from "fast-check";
import { bigint, lake, pipeline, queue, sqsQueue, text } from "millrace";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { InterruptedDelivery } from "../../lib/runtime/sink-writer.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import { parseOutputId, parseTaskName } from "../../lib/state/task-id.ts";
import { LooseStage, message } from "./stage.ts";

const order = z.object({ id: z.string(), n: z.number() });
const rows = lake("rows", { id: text, n: bigint });
const others = queue("others", { id: text, n: bigint });

const pipelineOf = (options: { id?: (o: z.infer<typeof order>) => string } = {}, share = 0.5) =>
  pipeline(
    "orders",
    (flow) => {
      const all = flow.from(sqsQueue("orders", { schema: order, ...options })).map("row", ({ id, n }) => {
        if (n < 0) throw new Error("Never below zero.");
        return { id, n: BigInt(n) };
      });
      all.to(rows);
      all
        .filter("odd", ({ n }) => n % 2n === 1n)
        .flatMap("twice", (row) => [row, row])
        .to(others);
    },
    { poison: { share } },
  );

const letterMessage = (letter: object) => parseControlMessage(redriveBody(JSON.stringify(letter)))!;

describe("ids", () => {
  test("they are the record's at every attempt and in every process, and tell records apart", async () => {
    const stage = new LooseStage(pipelineOf());
    const messages = [message("m-1", { id: "a", n: 1 }), message("m-2", { id: "a", n: 1 })];
    await stage.runtime.records(messages);
    const first = stage.rows("others");
    expect(first.size).toBe(4);
    await stage.start().records(messages.toReversed());
    expect(stage.rows("others")).toEqual(first);
    for (const id of first.keys()) {
      const { task, epoch } = parseOutputId(id);
      expect(epoch).toBe(0);
      expect(["m-1", "m-2"]).toContain(parseTaskName(task).partition);
    }
  });

  test("what the pipeline says is an event's id is one, whatever message brings it, and whatever characters it has", async () => {
    const stage = new LooseStage(pipelineOf({ id: (o) => `${o.id}:@#é` }));
    await stage.runtime.records([message("m-1", { id: "a", n: 2 }), message("m-2", { id: "b", n: 2 })]);
    await stage.runtime.records([message("m-3", { id: "a", n: 2 })]);
    expect(stage.delivered.get("rows")).toHaveLength(3);
    expect(stage.rows("rows").size).toBe(2);
    for (const id of stage.rows("rows").keys()) expect(parseTaskName(parseOutputId(id).task).stage).toBe("orders");
  });

  test("one that is no id makes a dead letter, under the message's", async () => {
    const stage = new LooseStage(pipelineOf({ id: (o) => o.id }));
    expect((await stage.runtime.records([message("m-1", { id: "", n: 2 })])).again.size).toBe(0);
    expect(stage.letters()).toMatchObject([{ reason: { code: "source/id" }, partition: "m-1" }]);
  });
});

describe("X7: poison", () => {
  test("it is a dead letter with all that it was, and its neighbours go on", async () => {
    const stage = new LooseStage(pipelineOf());
    const bad = [message("m-1", "no JSON"), message("m-3", { id: "c" }), message("m-4", { id: "d", n: -1 })];
    const { again } = await stage.runtime.records([bad[0]!, message("m-2", { id: "b", n: 2 }), bad[1]!, bad[2]!]);
    expect(again.size).toBe(0);
    expect([...stage.rows("rows").values()]).toEqual([{ id: "b", n: 2 }]);
    expect(stage.letters()).toMatchObject([
      { kind: "record", operator: "orders", partitionKey: "m-1", payload: bad[0]!.base64 },
      { kind: "record", operator: "orders", reason: { code: "schema/mismatch" } },
      { kind: "record", operator: "row", reason: { code: "user-code/threw" } },
    ]);
  });

  test("what was mended comes under the ids that it would have had", async () => {
    const broken = new LooseStage(pipelineOf({ id: (o) => o.id }));
    await broken.runtime.records([message("m-1", { id: "a", n: -1 })]);
    const [letter] = broken.letters();
    const mended = new LooseStage(
      pipeline("orders", (flow) => {
        const source = sqsQueue("orders", { schema: order, id: (o) => o.id });
        flow
          .from(source)
          .map("row", ({ id, n }) => ({ id, n: BigInt(-n) }))
          .to(rows);
      }),
    );
    await mended.runtime.control(letterMessage(letter!));
    await mended.runtime.control(letterMessage(letter!));
    await mended.runtime.records([message("m-1", { id: "a", n: -1 })]);
    expect(mended.delivered.get("rows")).toHaveLength(3);
    expect([...mended.rows("rows").values()]).toEqual([{ id: "a", n: 1 }]);
  });

  test("a letter of another deployment is refused, and stays", async () => {
    const stage = new LooseStage(pipelineOf());
    await stage.runtime.records([message("m-1", "no JSON")]);
    const [letter] = stage.letters();
    const other = {
      ...letter!,
      task: letter!.task.replace("orders:0", "orders:1"),
      id: letter!.id.replace(":0", ":1"),
    };
    await expect(stage.runtime.control(letterMessage(other))).rejects.toThrow(/another pipeline, generation/);
  });

  test("an output that its sink refuses for good is a dead letter, and is sent under its id when it is redriven", async () => {
    let refuses = true;
    const stage = new LooseStage(pipelineOf(), {
      rows: async (items) => (refuses ? items.slice(0, 1).map((delivery) => ({ delivery, message: "no" })) : []),
    });
    const { again } = await stage.runtime.records([
      message("m-1", { id: "a", n: 2 }),
      message("m-2", { id: "b", n: 2 }),
    ]);
    expect(again.size).toBe(0);
    const [letter] = stage.letters();
    expect(letter).toMatchObject({ kind: "output", reason: { code: "sink/refused" } });
    refuses = false;
    await stage.runtime.control(letterMessage(letter!));
    expect([...stage.rows("rows")].map(([id]) => parseTaskName(parseOutputId(id).task).partition).toSorted()).toEqual([
      "m-1",
      "m-2",
    ]);
    expect(stage.delivered.get("others")).toBeUndefined();
  });

  test("X10: where most is poison the batch fails, in this process for good, and nothing of it is delivered", async () => {
    const stage = new LooseStage(pipelineOf());
    const poison = (from: number) => Array.from({ length: 60 }, (_, i) => message(`p-${from + i}`, "no JSON"));
    await stage.runtime.records(poison(0));
    for (let i = 0; i < 3; i++) await expect(stage.runtime.records(poison(100))).rejects.toThrow(/are poison/);
    expect(stage.letters()).toHaveLength(60);
    await expect(new LooseStage(pipelineOf({}, 1)).runtime.records(poison(0))).resolves.toMatchObject({
      cause: undefined,
    });
  });
});

describe("X7: what ends the process", () => {
  /** A process that ends in the midst of an attempt, as far as the table can tell. */
  async function dies(stage: LooseStage, record: ReturnType<typeof message>): Promise<void> {
    const end = stage.changelog.endTrial.bind(stage.changelog);
    stage.changelog.endTrial = async () => {
      throw new Error("The process has ended.");
    };
    await stage.start().suspect(record);
    stage.changelog.endTrial = end;
    stage.delivered.clear();
  }

  test("after three attempts that did not end it is a dead letter, unseen, under the id that its message has", async () => {
    const stage = new LooseStage(pipelineOf({ id: (o) => o.id }));
    const killer = message("m-1", { id: "a", n: 2 });
    for (let i = 0; i < 3; i++) await dies(stage, killer);
    expect((await stage.start().suspect(killer)).again.size).toBe(0);
    expect(stage.rows("rows").size).toBe(0);
    expect(stage.letters()).toMatchObject([
      { reason: { code: "process/killed" }, partition: "m-1", payload: killer.base64, operator: "orders" },
    ]);
    expect(stage.reports.at(-1)!.counts.get("orders")).toMatchObject({ in: 1, dead: 1 });
  });

  test("attempts that end make nothing suspect, however sinks fail", async () => {
    const stage = new LooseStage(pipelineOf(), {
      rows: async () => {
        throw new Error("down");
      },
    });
    const record = message("m-1", { id: "a", n: 2 });
    await dies(stage, record);
    await dies(stage, record);
    for (let i = 0; i < 9; i++) expect((await stage.start().suspect(record)).again).toEqual(new Set([record]));
    expect(stage.letters()).toEqual([]);
  });

  test("attempts at another message say nothing of it", async () => {
    const stage = new LooseStage(pipelineOf());
    for (let i = 0; i < 3; i++) await dies(stage, message(`other-${i}`, { id: "a", n: 2 }, "group"));
    await stage.start().suspect(message("m-1", { id: "a", n: 2 }, "group"));
    expect(stage.letters()).toEqual([]);
    expect(stage.rows("rows").size).toBe(1);
  });
});

describe("X5: what is not delivered comes again", () => {
  test("however sinks fail: nothing is lost, and what comes twice has one id and one content", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat({ max: 20 })),
        async (numbers, fates) => {
          const fate = () => Number(fates.next().value);
          const failing =
            (sink: string) => async (items: readonly { readonly id: string; readonly body: string }[]) => {
              const drawn = fate();
              if (drawn > 14) throw new Error("down");
              if (drawn > 8) {
                const count = drawn % (items.length + 1);
                stage.delivered.get(sink)!.push(...items.slice(0, count));
                throw new InterruptedDelivery(count, new Error("slow"));
              }
              return [];
            };
          const stage = new LooseStage(pipelineOf(), { rows: failing("rows"), others: failing("others") });
          let waiting = numbers.map((n, i) => message(`m-${i}`, { id: String(i), n }));
          for (let attempt = 0; waiting.length > 0 && attempt < 100; attempt++) {
            const { again, cause } = await stage.start().records(waiting);
            expect(cause !== undefined).toBe(again.size > 0);
            waiting = waiting.filter((one) => again.has(one));
          }
          expect(waiting).toEqual([]);
          for (const items of stage.delivered.values()) {
            const contents = new Map(items.map(({ id, body }) => [id, body]));
            for (const { id, body } of items) expect(contents.get(id)).toBe(body);
          }
          expect([...stage.rows("rows").values()].map(({ n }) => n).toSorted()).toEqual(numbers.toSorted());
          expect(stage.rows("others").size).toBe(2 * numbers.filter((n) => n % 2 === 1).length);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("only what fails comes again, and of a group all that follows it", async () => {
    const stage = new LooseStage(pipelineOf(), {
      others: async (items) => {
        throw new InterruptedDelivery(0, new Error(`down for ${items.length}`));
      },
    });
    const records = [
      message("a-1", { id: "1", n: 2 }, "a"),
      message("b-1", { id: "2", n: 1 }, "b"),
      message("b-2", { id: "3", n: 2 }, "b"),
      message("a-2", { id: "4", n: 2 }, "a"),
      message("a-3", { id: "5", n: 1 }, "a"),
      message("c-1", { id: "6", n: 2 }),
      message("a-4", { id: "7", n: 2 }, "a"),
    ];
    const { again } = await stage.runtime.records(records);
    expect([...again].map(({ partitionKey }) => partitionKey)).toEqual(["b-1", "b-2", "a-3", "a-4"]);
  });

  test("a turn is told of with what it did, and nothing of event time, which does not move", async () => {
    const stage = new LooseStage(pipelineOf());
    await stage.runtime.records([message("m-1", { id: "a", n: 1 }), message("m-2", "no JSON")]);
    expect(stage.reports).toMatchObject([
      { records: 2, folded: 2, outputs: 4, committedAt: undefined, deliveredAt: 0 },
    ]);
    expect(stage.reports[0]!.counts.get("orders")).toMatchObject({ in: 2, dead: 1 });
    expect(stage.reports[0]!.watermark).toBe(stage.reports[0]!.watermarkBefore);
  });
});
