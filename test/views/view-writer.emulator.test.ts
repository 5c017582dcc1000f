import type { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ViewWriter } from "../../lib/connectors/view/deliver.ts";
import { InterruptedDelivery, type Delivery } from "../../lib/runtime/sink-writer.ts";
import {
  client,
  close,
  dated,
  deliveriesOf,
  entries,
  fold,
  itemsOf,
  newBook,
  NOW,
  open,
  rowsOf,
  writerOf,
  type Change,
  type Commit,
} from "./books.ts";

beforeAll(open);
afterAll(close);

const ENTRIES = ["a", "b", "c", "d"];

/** What happens: a task commits, a shard is split or two are merged, everything begins anew, and at any time old heads come again. */
type Step =
  | { readonly kind: "commit"; readonly which: number; readonly changes: readonly Change[] }
  | { readonly kind: "reshard"; readonly which: number }
  | { readonly kind: "generation" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      which: fc.nat(9),
      changes: fc.array(
        fc.record({ entry: fc.constantFrom(...ENTRIES), n: fc.option(fc.nat(99), { nil: undefined, freq: 3 }) }),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reshard" as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("generation" as const) }) },
);

/** The commits that tasks make, in their order. A child's epochs begin above its parents'; a generation's begin anew. */
function commitsOf(steps: readonly Step[]): readonly Commit[] {
  const commits: Commit[] = [];
  let [generation, shards] = [0, 0];
  // So that epochs get one more digit.
  const task = () => ({ name: `p:${generation}:s:src.0:shard-${shards++}`, epoch: 7 });
  let open = [{ ...task(), entries: ENTRIES }];
  for (const next of steps) {
    if (next.kind === "generation") {
      generation += 1;
      open = [{ ...task(), entries: ENTRIES }];
    } else if (next.kind === "reshard") {
      const parent = open[next.which % open.length]!;
      const other = open.find((one) => one !== parent);
      const rest = open.filter((one) => one !== parent);
      if (parent.entries.length > 1) {
        const half = [parent.entries.slice(0, 1), parent.entries.slice(1)];
        open = [...rest, ...half.map((entries) => ({ ...task(), epoch: parent.epoch, entries }))];
      } else if (other !== undefined) {
        const epoch = Math.max(parent.epoch, other.epoch);
        open = [
          ...rest.filter((one) => one !== other),
          { ...task(), epoch, entries: [...parent.entries, ...other.entries] },
        ];
      }
    } else {
      const owner = open[next.which % open.length]!;
      const changes = next.changes.filter(({ entry }) => owner.entries.includes(entry));
      if (changes.length === 0) continue;
      owner.epoch += 1;
      commits.push({ task: owner.name, generation, epoch: owner.epoch, changes });
    }
  }
  return commits;
}

const error = (name: string) => Object.assign(new Error(name), { name });

/** A table whose requests fail, are throttled, or are carried out and fail, as the numbers say. */
function faulty(faults: readonly number[]): DynamoDBClient["send"] {
  let request = 0;
  return (async (command: PutItemCommand) => {
    const fault = faults.length === 0 ? 9 : faults[request++ % faults.length]!;
    if (fault === 0) throw error("ProvisionedThroughputExceededException");
    if (fault === 1) throw error("InternalServerError");
    const answer = await client.send(command);
    if (fault === 2) throw error("TimeoutError");
    return answer;
  }) as DynamoDBClient["send"];
}

/** As a turn does it: what an attempt has not delivered is delivered by others. */
async function deliverAll(writer: ViewWriter, patient: ViewWriter, deliveries: readonly Delivery[]): Promise<void> {
  let rest = deliveries;
  for (let attempt = 0; rest.length > 0; attempt++) {
    try {
      await (attempt < 5 ? writer : patient).deliver(rest);
      return;
    } catch (thrown) {
      if (!(thrown instanceof InterruptedDelivery)) throw thrown;
      rest = rest.slice(thrown.count);
    }
  }
}

describe("X8: a view's table", () => {
  test("equals the fold of what was committed, whatever is repeated, late, interrupted, resharded or of a generation before", async () => {
    const ghost = fc.record({ at: fc.nat(30), which: fc.nat(30), from: fc.nat(3), together: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 14 }),
        fc.array(ghost, { maxLength: 12 }),
        fc.array(fc.nat(9), { maxLength: 7 }),
        async (steps, ghosts, faults) => {
          const book = newBook();
          const commits = commitsOf(steps);
          const [writer, patient] = [writerOf(entries, { send: faulty(faults) }), writerOf(entries)];
          for (const [i, commit] of commits.entries()) {
            const stirring = ghosts.filter(({ at }) => at % commits.length === i);
            // Zombies deliver what was committed before, or this very commit, whole or from somewhere on.
            const late = stirring.map(
              ({ which, from, together }) =>
                [together, () => patient.deliver(deliveriesOf(book, commits[which % (i + 1)]!).slice(from))] as const,
            );
            await Promise.all([
              deliverAll(writer, patient, deliveriesOf(book, commit)),
              ...late.flatMap(([together, run]) => (together ? [run()] : [])),
            ]);
            for (const [together, run] of late) if (!together) await run();
          }
          expect(await rowsOf(book)).toEqual(fold(commits));
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  test("with a version equals each key's newest row, whichever task wrote it and whatever order rows come in", async () => {
    const row = fc.record({
      shard: fc.nat(3),
      epoch: fc.integer({ min: 1, max: 12 }),
      n: fc.nat(12),
      generation: fc.nat(1),
      entry: fc.constantFrom("a", "b"),
      at: fc.integer({ min: -3, max: 3 }),
      removed: fc.boolean(),
    });
    const idOf = ({ shard, epoch, n, generation }: { shard: number; epoch: number; n: number; generation: number }) =>
      `p:${generation}:s:src.0:shard-${shard}@${epoch}#${n}`;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(row, { selector: idOf, minLength: 1, maxLength: 14 }),
        fc.infiniteStream(fc.nat()),
        async (rows, order) => {
          const book = newBook();
          const writer = writerOf(dated);
          const deliveries = rows.map((one, i) => {
            const { entry, at, removed } = one;
            const written = removed ? { book, entry, at, removed } : { book, entry, at, n: i };
            return { id: idOf(one), body: dated.encode(written as never) };
          });
          for (let i = 0; i < 2 * rows.length; i++) {
            const from = i < rows.length ? i : order.next().value % rows.length;
            await writer.deliver(deliveries.slice(from, from + 1 + (order.next().value % 3)));
          }
          const newest = new Map<string, number>();
          rows.forEach((one, i) => {
            const known = rows[newest.get(one.entry) ?? i]!;
            const difference =
              one.generation - known.generation ||
              one.at - known.at ||
              one.epoch - known.epoch ||
              one.n - known.n ||
              one.shard - known.shard;
            if (difference >= 0) newest.set(one.entry, i);
          });
          const expected = [...newest].filter(([, i]) => !rows[i]!.removed);
          expect(await rowsOf(book)).toEqual(Object.fromEntries(expected));
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  test("keeps of a key that was removed a tombstone without columns, for thirty days from its delivery", async () => {
    const book = newBook();
    const commit = (epoch: number, n: number | undefined) =>
      deliveriesOf(book, { task: "p:0:s:src.0:shard-0", generation: 0, epoch, changes: [{ entry: "a", n }] });
    await writerOf(entries).deliver(commit(1, 5));
    await writerOf(entries).deliver(commit(2, undefined));
    await writerOf(entries).deliver(commit(1, 5));
    expect(await itemsOf(book)).toEqual([
      {
        book: { S: book },
        entry: { S: "a" },
        $removed: { BOOL: true },
        $version: { S: "a0a0a2a0" },
        $id: { S: "p:0:s:src.0:shard-0@2#0" },
        $expires: { N: String(NOW / 1_000 + 30 * 86_400) },
      },
    ]);
    await writerOf(entries).deliver(commit(3, 6));
    expect(await rowsOf(book)).toEqual({ a: 6 });
    expect((await itemsOf(book))[0]).not.toHaveProperty("$expires");
  });

  test("gets of a commit the last row of each key alone", async () => {
    const book = newBook();
    const put: string[] = [];
    const send = ((command: PutItemCommand) => {
      put.push(command.input.Item!["$id"]!.S!);
      return client.send(command);
    }) as DynamoDBClient["send"];
    const changes = ["a", "b", "a", "c", "a"].map((entry, n) => ({ entry, n }));
    const commit = { task: "p:0:s:src.0:shard-0", generation: 0, epoch: 1, changes };
    await writerOf(entries, { send }).deliver(deliveriesOf(book, commit));
    expect(put).toEqual([1, 3, 4].map((n) => `${commit.task}@1#${n}`));
    expect(await rowsOf(book)).toEqual({ a: 4, b: 1, c: 3 });
  });

  test("says how far an interrupted delivery came: all before is there, or is replaced by what comes again", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...ENTRIES), { minLength: 1, maxLength: 40 }),
        fc.nat(39),
        async (names, failing) => {
          const book = newBook();
          const changes = names.map((entry, n) => ({ entry, n }));
          const deliveries = deliveriesOf(book, { task: "p:0:s:src.0:sh", generation: 0, epoch: 1, changes });
          const send = ((command: PutItemCommand) =>
            command.input.Item!["n"]!.N === String(failing)
              ? Promise.reject(error("InternalServerError"))
              : client.send(command)) as DynamoDBClient["send"];
          const outcome = await writerOf(entries, { send })
            .deliver(deliveries)
            .catch((thrown: unknown) => thrown);
          const isPut = names.lastIndexOf(names[failing] ?? "") === failing;
          if (!isPut) {
            expect(outcome).toEqual([]);
            return;
          }
          expect(outcome).toMatchObject({ count: failing });
          const there = await rowsOf(book);
          names.slice(0, failing).forEach((entry, n) => {
            const replaced = names.lastIndexOf(entry);
            if (replaced === n) expect(there[entry]).toBe(n);
            else expect(replaced > n).toBe(true);
          });
          await writerOf(entries).deliver(deliveries.slice(failing));
          expect(await rowsOf(book)).toEqual(Object.fromEntries(names.map((entry, n) => [entry, n])));
        },
      ),
      { numRuns: 30 },
    );
  });

  test("is asked again after a growing wait where it throttles, and no more than 16 puts are on their way", async () => {
    const book = newBook();
    const waits: number[] = [];
    let [busy, most, throttled] = [0, 0, 0];
    const send = (async (command: PutItemCommand) => {
      most = Math.max(most, ++busy);
      try {
        if (command.input.Item!["entry"]!.S === "e7" && throttled++ < 4)
          throw error("ProvisionedThroughputExceededException");
        return await client.send(command);
      } finally {
        busy -= 1;
      }
    }) as DynamoDBClient["send"];
    const changes = Array.from({ length: 100 }, (_, n) => ({ entry: `e${n}`, n }));
    const deliveries = deliveriesOf(book, { task: "p:0:s:src.0:sh", generation: 0, epoch: 1, changes });
    expect(await writerOf(entries, { send, waits }).deliver(deliveries)).toEqual([]);
    expect(waits).toEqual([50, 100, 200, 400]);
    expect(most).toBe(16);
    expect(Object.keys(await rowsOf(book))).toHaveLength(100);

    const never = (() => Promise.reject(error("ThrottlingException"))) as DynamoDBClient["send"];
    const patience: number[] = [];
    await expect(writerOf(entries, { send: never, waits: patience }).deliver(deliveries.slice(0, 1))).rejects.toThrow(
      expect.objectContaining({
        count: 0,
        cause: expect.objectContaining({ code: "view/put", kind: "infrastructure" }),
      }),
    );
    expect(patience.reduce((sum, millis) => sum + millis, 0)).toBeGreaterThan(5_000);
  });
});
