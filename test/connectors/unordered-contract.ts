import fc from "fast-check";
import { bigint, lake, pipeline, type Pipeline, type UnorderedSource } from "millrace";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../lib/errors.ts";
import type { Services } from "../../lib/connectors/services.ts";
import type { UnorderedConnector } from "../../lib/connectors/unordered-connector.ts";
import { LooseStage } from "../unordered/stage.ts";

/** A source without order, and how its mapping writes events. */
export interface UnorderedUnderTest {
  readonly connector: UnorderedConnector;
  /** Of events `{"n": 1}`. */
  readonly source: UnorderedSource<{ readonly n: number }>;
  /** A message's body that brings an event. */
  bodyOf(n: number): string;
  /** What its system gives, but for the queue itself. */
  readonly aws?: Services["aws"];
}

const OWN = "arn:aws:sqs:us-east-1:000000000000:own";
const OTHER = "arn:aws:sqs:us-east-1:000000000000:ticks";

interface Sent {
  readonly id: string;
  readonly body: string;
  readonly arn?: string;
  readonly group?: string;
}

const eventOf = (messages: readonly Sent[]) => ({
  Records: messages.map(({ id, body, arn = OWN, group }) => ({
    messageId: id,
    receiptHandle: `handle of ${id}`,
    body,
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "1700000000000",
      ...(group !== undefined && { MessageGroupId: group }),
    },
    messageAttributes: {},
    eventSource: "aws:sqs",
    eventSourceARN: arn,
  })),
});

/**
 * What every source keeps to that has no order: it takes the place of `sourceContract`, of whose laws those hold that speak of an event's
 * shape and of whose it is.
 *
 * What it does not promise, since it has no positions: an order of records, or a place to go on from; that a record comes once; that
 * a batch that comes again is cut as it was, or has the same records; an event time that only rises. So there is no `locate`, no tip, and
 * nothing that a task could be. In their place: what comes of a record has the same ids whenever and with whatever it comes, and all that is
 * not in the answer is done with.
 */
export function unorderedContract(name: string, { connector, source, bodyOf, aws }: UnorderedUnderTest): void {
  const p: Pipeline = pipeline("contract", (flow) => {
    flow
      .from(source)
      .map("row", ({ n }) => ({ n: BigInt(n) }))
      .to(lake("rows", { n: bigint }));
  });
  const work = (stage: LooseStage, event: object) =>
    connector.work(event, {
      address: { queueArn: OWN, queueUrl: "http://none" },
      services: { aws: aws ?? { of: () => undefined as never }, now: () => 0, wait: () => Promise.resolve() },
      runtime: stage.runtime,
      failed: () => undefined,
      notice: () => undefined,
    });
  const messages = [7, 3, 12].map((n) => ({ id: `m-${n}`, body: bodyOf(n) }));

  describe(`${name}, as a source without order`, () => {
    test("its own queue's events are its own, and no others: a stage has another queue beside it", () => {
      const isOwn = (event: unknown) => connector.isEvent(event, { queueArn: OWN });
      expect(isOwn(eventOf(messages))).toBe(true);
      expect(isOwn(eventOf(messages.map((one) => ({ ...one, arn: OTHER }))))).toBe(false);
      const others = [null, undefined, 1, "x", [], {}, { Records: [] }, { records: null }, { Records: [null] }];
      const kinesis = { Records: [{ kinesis: {}, eventSourceARN: OWN }] };
      for (const event of [...others, kinesis]) expect(isOwn(event)).toBe(false);
    });

    test("every record of an event is worked off", async () => {
      const stage = new LooseStage(p);
      expect(await work(stage, eventOf(messages))).toEqual([]);
      expect([...stage.rows("rows").values()].map(({ n }) => n)).toEqual([7, 3, 12]);
    });

    test("what comes again, in another order and with others, has the ids that it had", async () => {
      const stage = new LooseStage(p);
      await work(stage, eventOf(messages));
      const first = stage.rows("rows");
      await work(stage, eventOf([messages[2]!, { id: "m-9", body: bodyOf(9) }]));
      await work(stage, eventOf([messages[1]!, messages[0]!]));
      expect(stage.rows("rows").size).toBe(4);
      for (const [id, row] of first) expect(stage.rows("rows").get(id)).toEqual(row);
    });

    test("what cannot be delivered is in the answer, by the name that Lambda has for it", async () => {
      const stage = new LooseStage(p, {
        rows: async () => {
          throw new Error("down");
        },
      });
      expect(await work(stage, eventOf(messages))).toEqual(["m-7", "m-3", "m-12"]);
    });

    test("an event with a message of another queue is refused as a whole", async () => {
      const stage = new LooseStage(p);
      await expect(async () => work(stage, eventOf([messages[0]!, { ...messages[1]!, arn: OTHER }]))).rejects.toThrow(
        expect.objectContaining({ kind: "systemic", code: "sqs/other-queue" }),
      );
      expect(stage.delivered.size).toBe(0);
    });

    test("an event that was changed anywhere: each message is worked off, a dead letter or in the answer, or all are refused as systemic", async () => {
      const leaves = pathsOf(eventOf(messages));
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...leaves), fc.jsonValue(), async (path, value) => {
          const event = eventOf(messages);
          const holder = path.slice(0, -1).reduce((at, key) => (at as never)[key], event as unknown);
          Object.defineProperty(holder, path.at(-1)!, { value, enumerable: true, writable: true, configurable: true });
          if (!connector.isEvent(event, { queueArn: OWN })) return; // the handler refuses it
          const stage = new LooseStage(p);
          try {
            const again = await work(stage, event);
            const accounted = stage.rows("rows").size + stage.letters().length + again.length;
            expect(accounted).toBe(event.Records.length);
          } catch (thrown) {
            if (!(thrown instanceof MillraceError)) throw thrown;
            expect(thrown.kind).toBe("systemic");
            expect(stage.delivered.size).toBe(0);
          }
        }),
        { numRuns: 300 },
      );
    });
  });
}

/** Every place in an event but for its list of records. */
function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const within = Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]));
  return path.length < 2 ? within : [[...path], ...within];
}
