import fc from "fast-check";
import { bigint, count, custom, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { partitionKeyOf } from "../../lib/state/key.ts";
import { Rig, SMALL_LIMITS } from "../support/rig.ts";
import { FUZZ_TIMEOUT, fuzzRuns, Outcomes } from "./support/runs.ts";

/** A pipeline that takes whatever is JSON and has a time, and keeps all of it in an accumulator. */
const anything = pipeline(
  "anything",
  (flow) => {
    const events = kinesis("events", {
      schema: z.looseObject({ key: z.string(), time: z.number() }),
      key: { key: (event) => event.key, kind: (event) => (typeof event["kind"] === "number" ? event["kind"] : "none") },
      eventTime: (event) => event.time,
      disorder: { millis: 1_000 },
      idle: "never",
      maxFuture: "unbounded",
    });
    const rows = lake("rows", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint, seen: text });
    flow
      .from(events)
      .byKey.window("all", tumbling({ millis: 100 }))
      .aggregate({
        events: count(),
        seen: custom<unknown, unknown[], string>({
          state: z.array(z.any()),
          init: () => [],
          add: (seen, event) => [...seen, event],
          merge: (a, b) => [...a, ...b],
          result: (seen) => JSON.stringify(seen),
        }),
      })
      .map("row", ({ kind: _kind, ...row }) => row)
      .to(rows);
  },
  { poison: { share: 1 } },
);

const keyOf = (value: unknown): string => {
  const { key, kind } = (value ?? {}) as { key?: unknown; kind?: unknown };
  return typeof key === "string" ? partitionKeyOf({ key, kind: typeof kind === "number" ? kind : "none" }) : "none";
};

const recordOf = (sequence: number, base64: string, partitionKey: string): IncomingRecord => ({
  position: { sequence: String(sequence), index: 0 },
  arrival: 1_000_000,
  partitionKey,
  base64,
});

const base64Of = (bytes: string | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString("base64");

/** Texts with half characters, prototypes' names, and what UTF-8 makes long. */
const strange = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: "grapheme", maxLength: 4 }) },
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("\ud800", "\udfff", "a", "é", "😀", "\u0000") }),
  fc.constantFrom("__proto__", "constructor", "toString", "", "\ufeff", "then", "length"),
);
const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      strange,
      fc.double(),
      fc.constantFrom(1e308, -0, 5e-324, 2 ** 53, null, true),
      fc.integer(),
      fc.constant(null),
    ),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(strange, tie("value"), { maxKeys: 4 }),
  ),
})).value;

/** JSON's own escapes keep half characters; raw UTF-8 cannot hold them. */
const eventText = fc
  .record({
    key: strange,
    time: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 0, max: 3_000 }) }, tree),
    more: tree,
    kind: fc.oneof(fc.integer(), tree),
  })
  .map((event) => JSON.stringify(event));

const deep = fc
  .tuple(fc.nat(100_000), fc.constantFrom("[", '{"a":', "[[{"), fc.boolean())
  .map(([depth, open, closed]) => {
    const close = [...open].map((c) => (c === "[" ? "]" : c === "{" ? "}" : "")).reverse();
    return `{"key":"k","time":5,"deep":${open.repeat(depth)}1${closed ? close.join("").repeat(depth) : ""}}`;
  });

const textual = fc.oneof(
  { weight: 6, arbitrary: eventText },
  { weight: 1, arbitrary: deep },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{"key":"k","time":5,"__proto__":{"polluted":true}}',
      '{"key":"k","time":5,"a":{"\\u005f_proto__":1}}',
      '{"key":"k","time":1e400}',
      '{"key":"k","time":5,"n":1e400,"m":-1e400}',
      `{"key":"k","time":5,"n":${"9".repeat(5_000)}}`,
      '{"key":"k","key":"j","time":5}',
      '{"key":"\\ud800","time":5,"half":"\\udc00x"}',
      '\ufeff{"key":"k","time":5}',
      "NaN",
      "",
    ),
  },
);

/** A payload as it comes: base64 of something, or not even that. */
const payload = fc.oneof(
  { weight: 5, arbitrary: textual.map((json) => ({ base64: base64Of(json), key: keyOf(parsed(json)) })) },
  {
    weight: 2,
    arbitrary: fc.tuple(textual, fc.nat(), fc.nat(255)).map(([json, at, byte]) => {
      const bytes = Buffer.from(json);
      bytes[at % Math.max(1, bytes.length)] = byte;
      return { base64: base64Of(bytes), key: keyOf(parsed(json)) };
    }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => ({ base64: base64Of(bytes), key: "k" })) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }).map((base64) => ({ base64, key: "k" })) },
  {
    weight: 1,
    arbitrary: fc.tuple(eventText, fc.nat(), fc.constantFrom("-", "_", " ", "=", "\n", "é")).map(([json, at, c]) => {
      const base64 = base64Of(json);
      const i = at % base64.length;
      return { base64: `${base64.slice(0, i)}${c}${base64.slice(i + 1)}`, key: keyOf(parsed(json)) };
    }),
  },
);

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** As another decoder sees it. */
function isJsonInUtf8(base64: string): boolean {
  try {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    return parsed(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) !== undefined;
  } catch {
    return /[-_]/.test(base64); // base64 for addresses stands for the same bytes
  }
}

interface Row {
  readonly key: string;
  readonly events: number;
  readonly seen: string;
}

test(
  "X7: whatever a payload is, it is folded as it is or kept whole as a dead letter, and its neighbours do not notice",
  async () => {
    const outcomes = new Outcomes("payloads");
    const neighbour = (sequence: number) =>
      recordOf(sequence, base64Of(JSON.stringify({ key: "n", time: 5, at: sequence })), keyOf({ key: "n" }));
    const run = async (payloads: readonly { readonly base64: string; readonly key: string }[]) => {
      const rig = new Rig(anything);
      const records = payloads.flatMap(({ base64, key }, i) => [
        recordOf(2 * i + 1, base64, key),
        neighbour(2 * i + 2),
      ]);
      // Every batch by a process that must read what the one before has written.
      for (const one of records.map((record) => [record])) {
        await rig.task({ limits: SMALL_LIMITS }).turn({ kind: "records", records: one });
      }
      await rig.task().turn({ kind: "drain" });
      // The same in one process, in one batch: nothing has changed by being stored.
      const whole = new Rig(anything);
      const task = whole.task();
      await task.turn({ kind: "records", records });
      await task.turn({ kind: "drain" });

      const rows = rig.rows<Row>("rows");
      const byKey = (all: readonly Row[]) => all.map((row) => JSON.stringify(row)).sort();
      expect(byKey(rows)).toEqual(byKey(whole.rows<Row>("rows")));
      const letters = rig.deadLetters();
      for (const { kind, payload, position } of letters) {
        if (kind !== "record") continue;
        expect(payload).toBe(records[Number(position!.sequence) - 1]!.base64);
        outcomes.count("dead");
      }
      const counters = (await rig.counters()).get("events")!;
      const window = (await rig.counters()).get("all");
      expect(counters.in).toBe(records.length);
      expect(counters.dead + (window?.in ?? 0)).toBe(records.length);
      outcomes.count("cases");
      const dead = new Set(letters.map(({ position }) => Number(position?.sequence)));
      payloads.forEach(({ base64 }, i) => {
        if (!isJsonInUtf8(base64)) expect(dead, base64).toContain(2 * i + 1);
      });
      // The neighbours are in their windows or late; none is dead.
      expect(letters.filter(({ position }) => Number(position?.sequence) % 2 === 0 && position !== undefined)).toEqual(
        [],
      );
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    };
    await fc.assert(fc.asyncProperty(fc.array(payload, { minLength: 1, maxLength: 3 }), run), fuzzRuns(80));
  },
  FUZZ_TIMEOUT,
);
