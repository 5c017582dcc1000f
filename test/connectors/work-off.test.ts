import { SQSClient } from "@aws-sdk/client-sqs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UnorderedWork } from "../../lib/connectors/unordered-connector.ts";
import type { IncomingMessage } from "../../lib/connectors/sqs/messages.ts";
import { workOff } from "../../lib/connectors/sqs/work-off.ts";

/** A queue of which is noted what is deleted. */
function queueThat(deletes: (handles: readonly string[]) => void): UnorderedWork {
  const client = {
    send: async ({
      input: { Entries },
    }: {
      readonly input: { readonly Entries: readonly { ReceiptHandle: string }[] };
    }) => {
      deletes(Entries.map(({ ReceiptHandle }) => ReceiptHandle));
      return {};
    },
  };
  return {
    address: { queueArn: "arn", queueUrl: "url" },
    services: {
      aws: { of: (Client) => (Client === (SQSClient as never) ? client : undefined) as never },
      now: () => 0,
      wait: () => Promise.resolve(),
    },
    runtime: undefined as never,
    failed: () => undefined,
    notice: () => undefined,
  };
}

const message = (id: string, receives: number, group?: string): IncomingMessage => ({
  id,
  receiptHandle: id,
  body: "",
  sent: 0,
  receives,
  group,
});

describe("messages that came often", () => {
  test("they are worked off last and alone, after all that is done with was deleted", async () => {
    const log: string[] = [];
    const work = queueThat((handles) => log.push(`-${handles.join()}`));
    const messages = [message("a", 1), message("k", 3), message("b", 2), message("l", 4), message("c", 1)];
    const failed = await workOff(messages, work, async (some, isSuspect) => {
      log.push(`${some.map(({ id }) => id).join()}${isSuspect ? "!" : ""}`);
      return some.some(({ id }) => id === "b") ? ["b"] : [];
    });
    expect(log).toEqual(["a,b,c", "-a,c", "k!", "-k", "l!"]);
    expect(failed).toEqual(["b"]);
  });

  test("where an invocation's time is over, the rest is not begun: what is ended in the middle would be taken for a killer", async () => {
    const deleted: string[] = [];
    const queue = queueThat((handles) => deleted.push(...handles));
    const begun: string[] = [];
    const left = () => (begun.length < 2 ? 1_000 : 0);
    const work = { ...queue, services: { ...queue.services, wait: Object.assign(() => Promise.resolve(), { left }) } };
    const messages = [message("a", 3), message("b", 3), message("c", 3), message("d", 4)];
    const failed = await workOff(messages, work, async (some) => (begun.push(...some.map(({ id }) => id)), []));
    expect([begun, deleted, failed]).toEqual([
      ["a", "b"],
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  test("of a FIFO queue the order of each group stays, and what follows one that fails is not worked off", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            group: fc.constantFrom("x", "y", "z"),
            receives: fc.integer({ min: 1, max: 4 }),
            fails: fc.boolean(),
          }),
        ),
        async (drawn) => {
          const messages = drawn.map(({ group, receives }, i) => message(`${i}`, receives, group));
          const failing = new Set(
            messages.filter((_, i) => drawn[i]!.fails && drawn[i]!.receives >= 3).map(({ id }) => id),
          );
          const done: string[] = [];
          const deleted: string[] = [];
          const failed = await workOff(
            messages,
            queueThat((handles) => deleted.push(...handles)),
            async (some) => {
              const again = some.filter(({ id }) => failing.has(id)).map(({ id }) => id);
              done.push(...some.map(({ id }) => id).filter((id) => !again.includes(id)));
              // As a runtime answers: of a group all from the first that fails on.
              return again;
            },
          );
          expect([...done, ...failed].toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
          for (const id of deleted) expect(done).toContain(id);
          for (const group of ["x", "y", "z"]) {
            const own = messages.filter((one) => one.group === group).map(({ id }) => id);
            const first = own.findIndex((id) => failed.includes(id));
            const before = first < 0 ? own : own.slice(0, first);
            expect(done.filter((id) => own.includes(id))).toEqual(before);
          }
        },
      ),
    );
  });

  test("one that ends the process takes none with it, however they come together", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.array(fc.nat({ max: 9 }), { minLength: 9, maxLength: 9 }),
        async (killer, cuts) => {
          let queue = Array.from({ length: 10 }, (_, i) => ({ id: `${i}`, receives: 0 }));
          let attempts = 0;
          const isCondemned = () => attempts >= 3; // as the runtime counts those that were alone
          for (let round = 0; queue.length > 0 && round < 60; round++) {
            const cut = 1 + (cuts[round % cuts.length]! % 10);
            const batch = queue.slice(0, cut);
            for (const one of batch) one.receives++;
            const gone = new Set<string>();
            const work = queueThat((handles) => handles.forEach((handle) => gone.add(handle)));
            let die: () => void = () => undefined;
            const death = new Promise<"ended">((resolve) => (die = () => resolve("ended")));
            const messages = batch.map(({ id, receives }) => message(id, receives));
            const working = workOff(messages, work, (some, isSuspect) => {
              const kills = some.some(({ id }) => id === `${killer}`) && !(isSuspect && isCondemned());
              if (kills && isSuspect) attempts++;
              if (!kills) return Promise.resolve([]);
              die();
              return new Promise(() => undefined); // nothing comes after it
            });
            // A process that ends answers nothing: what it did not delete comes again.
            const hasEnded = (await Promise.race([working, death])) === "ended";
            queue = queue.filter(({ id }) => !gone.has(id) && (hasEnded || !batch.some((one) => one.id === id)));
            queue = [...queue.slice(cut), ...queue.slice(0, cut)];
          }
          expect(queue).toEqual([]);
          expect(attempts).toBe(3);
        },
      ),
      { numRuns: 50 },
    );
  });
});
