import fc from "fast-check";
import { expect, test } from "vitest";
import { record, Rig, SMALL_LIMITS } from "../../support/rig.ts";
import { commands, NaiveInterpreter, programPipeline, type Command, type Sight } from "./programs.ts";

const disorders = fc.constantFrom(0, 5, 30);

/** Cuts records into batches of the given sizes. */
function batchesOf(input: readonly Command[], sizes: readonly number[]) {
  const records = input.map((command, i) => record(i + 1, command, { key: command.key }));
  const batches = [];
  for (let at = 0, i = 0; at < records.length; i++) {
    const size = sizes[i % sizes.length]!;
    batches.push(records.slice(at, at + size));
    at += size;
  }
  return batches;
}

function naive(input: readonly Command[], disorder: number): NaiveInterpreter {
  const interpreter = new NaiveInterpreter(disorder);
  for (const command of input) interpreter.record(command);
  return interpreter;
}

test("X3, X7: state, timers and their order are a naive interpreter's, however batches are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      commands,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      disorders,
      fc.boolean(),
      async (input, sizes, disorder, drains) => {
        const rig = new Rig(programPipeline(disorder));
        const task = rig.task();
        for (const batch of batchesOf(input, sizes)) await task.turn({ kind: "records", records: batch });
        const expected = naive(input, disorder);
        if (drains) {
          await task.turn({ kind: "drain" });
          expected.drain();
        }
        expect(rig.rows<Sight>("sights")).toEqual(expected.sights);
        expect(rig.deadLetters()).toHaveLength(expected.dead);
      },
    ),
    { numRuns: 400 },
  );
});

test("a process that knows nothing goes on with the same state, from checkpoints too", async () => {
  await fc.assert(
    fc.asyncProperty(commands, disorders, fc.boolean(), async (input, disorder, checkpoints) => {
      const rig = new Rig(programPipeline(disorder));
      for (const batch of batchesOf(input, [3])) {
        await rig.task(checkpoints ? { limits: SMALL_LIMITS } : {}).turn({ kind: "records", records: batch });
      }
      expect(rig.rows<Sight>("sights")).toEqual(naive(input, disorder).sights);
    }),
    { numRuns: 150 },
  );
});

test("X7, X10: records in = folded + dead, per operator", async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (input) => {
      const rig = new Rig(programPipeline(5));
      await rig.task().turn({ kind: "records", records: batchesOf(input, [100])[0] ?? [] });
      const counters = await rig.counters();
      const [source, operator] = [counters.get("commands"), counters.get("interpreter")];
      expect(source?.in ?? 0).toBe(input.length);
      expect((operator?.folded ?? 0) + (source?.dead ?? 0)).toBe(input.length);
      expect(operator?.in ?? 0).toBe(operator?.folded ?? 0);
    }),
    { numRuns: 50 },
  );
});
