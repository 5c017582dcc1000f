import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliverInBatches, TAKEN, type Entry, type Outcome } from "../../lib/connectors/batched-delivery.ts";
import { Retries, type Wait } from "../../lib/runtime/retries.ts";
import { InterruptedDelivery } from "../../lib/runtime/sink-writer.ts";

/** A process whose waits pass at once, and are noted. @param left milliseconds of its invocation */
function process(left = Number.POSITIVE_INFINITY, jitter: () => number = () => 1, patience?: number) {
  const waits: number[] = [];
  let now = 0;
  const wait: Wait = Object.assign(
    async (millis: number) => {
      waits.push(millis);
      now += millis;
    },
    { jitter, left: () => left - now, ...(patience !== undefined && { patience }) },
  );
  return { wait, waits, pass: (millis: number) => (now += millis) };
}

async function exhausted(wait: Wait): Promise<number> {
  const retries = new Retries(wait);
  while (await retries.again());
  return retries.attempt;
}

const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0);

describe("retries", () => {
  it("are ten attempts in about ten seconds where nothing is known of an invocation", async () => {
    const waits: number[] = [];
    expect(await exhausted(async (millis) => void waits.push(millis))).toBe(10);
    expect(waits).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
  });

  it("wait no longer than patience and the invocation's time allow, and each time at least half of the pause", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(30_000),
        fc.nat(20_000),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
        async (left, patience, draws) => {
          let drawn = 0;
          const { wait, waits } = process(left, () => draws[drawn++ % draws.length]!, patience);
          await exhausted(wait);
          expect(sum(waits)).toBeLessThanOrEqual(patience);
          if (waits.length > 0) expect(sum(waits)).toBeLessThan(left);
          waits.forEach((pause, i) => {
            const full = Math.min(50 * 2 ** i, 2_000);
            expect(pause).toBeGreaterThanOrEqual(full / 2);
            expect(pause).toBeLessThanOrEqual(full);
          });
        },
      ),
    );
  });

  it("leave the other side alone as long as it asks for, or end", async () => {
    const { wait, waits } = process();
    const retries = new Retries(wait);
    expect(await retries.again(5_000)).toBe(true);
    expect(await retries.again(6_000)).toBe(false);
    expect(waits).toEqual([5_000]);
  });
});

describe("a delivery whose invocation ends", () => {
  const entries = Array.from({ length: 25 }, (_, n): Entry<number> => ({
    ...{ delivery: { id: `o#${n}`, body: "{}" }, content: n, bytes: 1 },
  }));

  it("gets one request done in any case, and says exactly how much was taken", async () => {
    const { wait, pass } = process(1_000);
    const taken: number[] = [];
    const from = async (first: number, millis: number) =>
      deliverInBatches(entries.slice(first), {
        ...{ what: "It", code: "it/send", maxEntries: 10, maxBytes: 1_000, wait },
        async send(batch): Promise<readonly Outcome[]> {
          pass(millis);
          taken.push(...batch.map(({ content }) => content));
          return batch.map(() => TAKEN);
        },
      });
    const first = await from(0, 600).catch((thrown: unknown) => thrown);
    expect(first).toBeInstanceOf(InterruptedDelivery);
    expect((first as InterruptedDelivery).count).toBe(20);
    const second = await from(20, 600); // nothing is left, and what is left of the head fits into one request
    expect(second).toEqual([]);
    expect(taken).toEqual(entries.map(({ content }) => content));
  });
});
