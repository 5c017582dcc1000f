import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sinkOperator } from "../../lib/operators/sink.ts";
import type { SinkDeclaration } from "../../lib/pipeline/sink.ts";
import { InterruptedDelivery, type Delivery, type SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { outputOf } from "../../lib/state/commit.ts";
import type { CutText } from "../../lib/state/cut-text.ts";
import { TaskState } from "../../lib/state/task-state.ts";

/** What becomes of requests, before they are with the system or after. */
export interface Weather {
  /** Whether an entry is left out of its request: the others are taken. By the ids of its outputs. */
  leaves(ids: readonly string[]): boolean;
  /** Whether a request fails before anything of it is done, or is carried out and its answer lost. */
  fails(ids: readonly string[]): "before" | "after" | undefined;
}

export const FAIR: Weather = { leaves: () => false, fails: () => undefined };

/** A sink with its system, real or emulated. */
export interface SinkUnderTest {
  /** None for those of every pipeline, which have bodies of their own. */
  readonly sink?: SinkDeclaration;
  readonly writer: (weather: Weather) => SinkWriter;
  /** An output's body. Those of one lane keep their order, where the sink keeps any. */
  bodyOf(n: number, lane: string, id: string): string;
  /** What has come since the last time, in the order of each lane: ids and lanes. */
  received(): Promise<readonly { readonly id: string; readonly lane: string }[]>;
  readonly keepsOrder: boolean;
  /** Whether the system itself drops what is sent again. */
  readonly dropsRepeats: boolean;
  /** The body of an output that the system refuses for good, past all checks; none where it refuses nothing. */
  readonly refusedBody?: string | ((n: number) => string);
  /** Whether rows may share an entry of a request: what fails is the entry. */
  readonly sharesEntries?: boolean;
  /** Whether each row is a request, so that a lost answer is one row's. */
  readonly isOneByOne?: boolean;
  /** Whether the rows of a request are taken together or not at all: no request leaves any out, it fails. */
  readonly failsTogether?: boolean;
}

let epochs = 0;

/** Laws that every sink keeps. @param open called before the first test */
export function sinkContract(name: string, open: () => SinkUnderTest): void {
  describe(name, () => {
    const outputs = (of: SinkUnderTest, lanes: readonly string[]): Delivery[] => {
      const epoch = ++epochs;
      return lanes.map((lane, n) => {
        const id = `test:0:stage:source.0:shard@${epoch}#${n}`;
        return { id, body: of.bodyOf(n, lane, id) };
      });
    };
    const some = (count: number) => Array.from({ length: count }, (_, n) => `lane ${n % 7}`);
    const idsOf = (of: readonly { readonly id: string }[]) => of.map(({ id }) => id);
    const times = (ids: readonly string[], id: string) => ids.filter((one) => one === id).length;

    test("X8: every row is there, once, with its id", async () => {
      const of = open();
      const sent = outputs(of, some(37));
      expect(await of.writer(FAIR).deliver(sent)).toEqual([]);
      expect(idsOf(await of.received()).toSorted()).toEqual(idsOf(sent).toSorted());
    });

    test("X4, X8: ids are the same at every attempt", async () => {
      const of = open();
      const sent = outputs(of, some(12));
      await of.writer(FAIR).deliver(sent);
      await of.writer(FAIR).deliver(sent);
      const ids = idsOf(await of.received());
      for (const { id } of sent) expect(times(ids, id)).toBe(of.dropsRepeats ? 1 : 2);
      expect(new Set(ids).size).toBe(sent.length);
    });

    test("what a request leaves out is sent again, and nothing else", async ({ skip }) => {
      const of = open();
      if (of.failsTogether === true) return skip("No request leaves anything out: it fails.");
      const sent = outputs(of, some(33));
      const left = new Set<string>();
      const writer = of.writer({
        ...FAIR,
        leaves: (ids) => {
          const is = ids.some((id) => Number(id.split("#")[1]) % 3 === 1 && !left.has(id));
          if (is) for (const id of ids) left.add(id);
          return is;
        },
      });
      expect(await writer.deliver(sent)).toEqual([]);
      expect(left.size).toBeGreaterThan(0);
      expect(idsOf(await of.received()).toSorted()).toEqual(idsOf(sent).toSorted());
    });

    test("X5: what is not taken interrupts the delivery, with the exact count; the next goes on from there", async () => {
      const of = open();
      const sent = outputs(of, some(40));
      const stuck = 23;
      const interrupted = await interruptionOf(
        of.writer({ ...FAIR, leaves: (ids) => ids.some((id) => Number(id.split("#")[1]) >= stuck) }).deliver(sent),
      );
      if (of.sharesEntries === true || of.failsTogether === true) expect(interrupted.count).toBeLessThanOrEqual(stuck);
      else expect(interrupted.count).toBe(stuck);
      const { count } = interrupted;
      const before = idsOf(await of.received());
      for (const { id } of sent.slice(0, count)) expect(before).toContain(id);
      await of.writer(FAIR).deliver(sent.slice(count));
      const all = [...before, ...idsOf(await of.received())];
      for (const { id } of sent) expect(all).toContain(id);
      for (const { id } of sent.slice(0, count)) expect(times(all, id)).toBe(1);
      for (const { id } of sent.slice(count)) expect(times(all, id)).toBeLessThanOrEqual(2);
    });

    test.each(["before", "after"] as const)(
      "X5: a request that fails %s it was carried out repeats what was not acknowledged, and loses nothing",
      async (when) => {
        const of = open();
        const sent = outputs(of, some(35));
        const fails: Weather["fails"] = (ids) => (ids.includes(sent[18]!.id) ? when : undefined);
        const { count } = await interruptionOf(of.writer({ ...FAIR, fails }).deliver(sent));
        expect(count).toBeLessThanOrEqual(18);
        await of.writer(FAIR).deliver(sent.slice(count));
        const all = idsOf(await of.received());
        for (const { id } of sent) expect(all).toContain(id);
        for (const { id } of sent.slice(0, count)) expect(times(all, id)).toBe(1);
        const twice = sent.filter(({ id }) => times(all, id) > 1);
        if (of.dropsRepeats || (when === "before" && !of.isOneByOne)) expect(twice).toEqual([]);
      },
    );

    test("X7: what is refused for good is told, and stops no other", async ({ skip }) => {
      const of = open();
      if (of.refusedBody === undefined) return skip("It refuses nothing that its row's check lets through.");
      const sent = outputs(of, some(14));
      const { refusedBody } = of;
      const bodyOf = (n: number) => (typeof refusedBody === "string" ? refusedBody : refusedBody(n));
      const refused = [3, 9].map((n) => (sent[n] = { id: sent[n]!.id, body: bodyOf(n) }));
      const refusals = await of.writer(FAIR).deliver(sent);
      expect(refusals.map(({ delivery }) => delivery)).toEqual(refused);
      for (const { message } of refusals) expect(message).not.toBe("");
      const rest = sent.filter((one) => !refused.includes(one));
      expect(idsOf(await of.received()).toSorted()).toEqual(idsOf(rest).toSorted());
      const { count, refusals: told } = await interruptionOf(
        of.writer({ ...FAIR, leaves: (ids) => ids.includes(sent[6]!.id) }).deliver(sent),
      );
      if (of.failsTogether === true) expect(count).toBeLessThanOrEqual(6);
      else expect(count).toBe(6);
      expect(told.map(({ delivery }) => delivery)).toEqual(refused.slice(0, 1));
      await of.received();
    });

    test("X5: order is kept within a lane, whatever requests leave out and wherever they are interrupted", async ({
      skip,
    }) => {
      const of = open();
      if (!of.keepsOrder) return skip("It promises no order.");
      const lanes = fc.array(fc.constantFrom("a", "b", "ç d", "a longer lane"), { minLength: 1, maxLength: 30 });
      const bad = fc.infiniteStream(fc.constantFrom("", "", "", "left", "left", "before", "after"));
      await fc.assert(
        fc.asyncProperty(lanes, bad, async (chosen, luck) => {
          const sent = outputs(of, chosen);
          let budget = 40;
          const next = () => (budget-- > 0 ? (luck.next().value as string) : "");
          const weather: Weather = {
            leaves: () => next() === "left",
            fails: () => {
              const one = next();
              return one === "before" || one === "after" ? one : undefined;
            },
          };
          let from = 0;
          while (from < sent.length) {
            try {
              await of.writer(weather).deliver(sent.slice(from));
              break;
            } catch (thrown) {
              if (!(thrown instanceof InterruptedDelivery)) throw thrown;
              from += thrown.count;
            }
          }
          const came = await of.received();
          for (const lane of new Set(chosen)) {
            const expected = sent.filter((_, n) => chosen[n] === lane);
            const first = new Set(came.filter(({ id }) => expected.some((one) => one.id === id)).map(({ id }) => id));
            expect([...first]).toEqual(idsOf(expected));
          }
        }),
        { numRuns: 25 },
      );
    });

    test("X7: an output of the largest size is taken, and one of a byte more is found before the commit", async ({
      skip,
    }) => {
      const of = open();
      const { sink } = of;
      if (sink === undefined) return skip("Its bodies are the runtime's.");
      const encoded = (pad: number, isCut = false): string => {
        let body = "";
        const context = {
          state: new TaskState(),
          enter() {},
          send: (name: string, one: string | CutText) => void ({ body } = outputOf(name, one)),
        };
        const cut = (row: string) => ({ pieces: [row.slice(0, 1), row.slice(2)], values: [row.slice(1, 2)] });
        sinkOperator({ ...sink, cut: isCut ? cut : undefined, encode: (row: never) => row }, context as never)(
          of.bodyOf(0, "lane", "").replace(/("pad":(?:\{"S":)?")/, `$1${"x".repeat(pad)}`),
          { key: {} } as never,
        );
        return body;
      };
      const largest = sink.maxBytes - 512 - Buffer.byteLength(of.bodyOf(0, "lane", ""));
      for (const isCut of [false, true]) {
        expect(() => encoded(largest + 1, isCut)).toThrow(
          expect.objectContaining({ kind: "poison", code: "sink/too-large" }) as Error,
        );
      }
      expect(encoded(largest, true)).toBe(encoded(largest));
      const id = `${"long-name-".repeat(40)}:0:stage:source.0:shard@${++epochs}#0`;
      expect(await of.writer(FAIR).deliver([{ id, body: encoded(largest) }])).toEqual([]);
      expect(idsOf(await of.received())).toEqual([id]);
    });
  });
}

async function interruptionOf(delivery: Promise<unknown>): Promise<InterruptedDelivery> {
  const thrown = await delivery.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (thrown instanceof InterruptedDelivery) return thrown;
  throw new Error("The delivery was not interrupted.", { cause: thrown });
}
