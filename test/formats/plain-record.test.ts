import type { StandardSchemaV1 } from "@standard-schema/spec";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import * as z from "zod";
import { PayloadReader } from "../../lib/connectors/payload-reader.ts";
import { JsonReader } from "../../lib/formats/json-reader.ts";
import { MillraceError } from "../../lib/errors.ts";
import { plainRecords } from "../../lib/plain-record.ts";
import { validate } from "../../lib/schema.ts";
import { recordsOf, schemaOf, SHAPE, type Written } from "./plain-shapes.ts";

const CASE = SHAPE.chain((shape) => fc.tuple(fc.constant(shape), recordsOf(shape)));

const bytesOf = ({ text }: Written): Buffer => Buffer.from(text);

const outcomeOf = (make: () => unknown): unknown => {
  try {
    const value = make();
    return { json: JSON.stringify(value), value }; // the order of the fields, and −0, are part of it
  } catch (thrown) {
    if (thrown instanceof MillraceError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
};

/** How many payloads a schema was not asked about, how many of these have objects within, and how many it refuses. */
interface Seen {
  checked: number;
  within: number;
  refused: number;
}

const nothingSeen = (): Seen => ({ checked: 0, within: 0, refused: 0 });

/** Reads payloads one after the other, and counts them. */
function readAll(schema: z.ZodType, payloads: readonly Buffer[], seen: Seen): void {
  const reader = new PayloadReader(schema);
  const json = new JsonReader(plainRecords(schema));
  for (const bytes of payloads) {
    const expected = outcomeOf(() => validate(schema, JSON.parse(bytes.toString())));
    expect(outcomeOf(() => reader.read(bytes))).toEqual(expected);
    json.parse(bytes);
    if (json.isChecked) seen.checked++;
    if (json.isChecked && bytes.includes("{", 1)) seen.within++;
    if ("code" in (expected as object)) seen.refused++;
  }
}

test("a payload comes to what JSON.parse and the schema make of it, and fails as they do, whatever came before", () => {
  const seen = nothingSeen();
  fc.assert(
    fc.property(CASE, ([shape, payloads]) => {
      const schema = schemaOf(shape);
      expect(plainRecords(schema)).toBeDefined();
      readAll(schema, [...payloads, ...payloads].map(bytesOf), seen);
    }),
    { numRuns: 400 },
  );
  expect(seen.checked).toBeGreaterThan(250);
  expect(seen.within).toBeGreaterThan(50);
  expect(seen.refused).toBeGreaterThan(250);
});

const TAGS = ["up", "down", "high"] as const;

/** Unions of up to three options that say in a field which they are; the options have other fields, or the same. */
const UNION = fc
  .tuple(fc.array(SHAPE, { minLength: 1, maxLength: 3 }), fc.constantFrom("kind", "id"), fc.nat())
  .map(([shapes, discriminator, seed]) => {
    const options = shapes.map((shape, i) => {
      const tag: z.ZodType = (seed + i) % 4 === 0 ? z.enum([TAGS[i]!, `${i}`]) : z.literal(TAGS[i]!);
      const fields = shape.filter(([name]) => name !== discriminator);
      // Of one option at most, or zod would not know which is meant.
      const isOptional = i === seed % 5;
      fields.splice((seed + i) % (fields.length + 1), 0, [
        discriminator,
        { schema: isOptional ? tag.optional() : tag },
      ]);
      return fields;
    });
    return { discriminator, options };
  });

test("so does one of a union whose options say which they are", () => {
  const seen = nothingSeen();
  const cases = UNION.chain((union) =>
    fc.tuple(fc.constant(union), fc.tuple(...union.options.map(recordsOf)), fc.nat(2)),
  );
  fc.assert(
    fc.property(cases, ([{ discriminator, options }, payloads, shift]) => {
      const schema = z.discriminatedUnion(discriminator, options.map(schemaOf) as never);
      // Of one option and another in turns.
      const all = payloads.flatMap((some, i) => some.map((one, n) => ({ one, at: 3 * n + ((i + shift) % 3) })));
      const mixed = all.toSorted((a, b) => a.at - b.at).map(({ one }) => bytesOf(one));
      readAll(schema, [...mixed, ...mixed], seen);
    }),
    { numRuns: 400 },
  );
  expect(seen.checked).toBeGreaterThan(250);
  expect(seen.within).toBeGreaterThan(50);
  expect(seen.refused).toBeGreaterThan(250);
});

const up = z.object({ kind: z.literal("up"), n: z.int() });

test.each<[string, () => z.ZodType]>([
  ["may be of either option", () => z.union([up, z.object({ kind: z.literal("down") })])],
  ["has a check of its own", () => z.discriminatedUnion("kind", [up]).refine(({ n }) => n > 0)],
  [
    "has an option that is not plain",
    () => z.discriminatedUnion("kind", [up, z.strictObject({ kind: z.literal("down") })]),
  ],
  ["has two options of one name", () => z.discriminatedUnion("kind", [up, z.object({ kind: z.enum(["down", "up"]) })])],
  ["has an option of any name", () => z.discriminatedUnion("kind", [up, z.object({ kind: z.string() as never })])],
  ["has an option with a symbol", () => z.discriminatedUnion("kind", [up.extend({ [Symbol("more")]: z.string() })])],
  ["has a union for an option", () => z.discriminatedUnion("kind", [up, z.discriminatedUnion("kind", [up])])],
])("a union is asked about every record where it %s", (_, make) => {
  expect(plainRecords(make())).toBeUndefined();
});

const plain = z.object({ id: z.string().length(3), at: z.number(), trace: z.string().optional() });

test("what a schema of plain fields takes is not asked of it", () => {
  const asked = vi.spyOn(plain._zod, "run");
  const reader = new PayloadReader(plain);
  const read = (text: string) => reader.read(Buffer.from(text));
  read('{"id":"abc","at":1}');
  const first = asked.mock.calls.length;
  expect(read('{"id":"abd","at":2}')).toEqual({ id: "abd", at: 2 });
  expect(read('{"id":"abe","at":2.5}')).toEqual({ id: "abe", at: 2.5 });
  expect(asked).toHaveBeenCalledTimes(first);
  expect(() => read('{"id":"abde","at":2}')).toThrow("id: ");
  expect(asked).toHaveBeenCalledTimes(first + 1);
});

test("nor is one of objects within and of formats", () => {
  const schema = z.object({
    id: z.uuid(),
    at: z.iso.datetime(),
    from: z.object({ plant: z.string(), line: z.object({ no: z.int() }).nullable() }),
    to: z.object({ plant: z.string() }).optional(),
  });
  const event = {
    ...{ id: "0190a8c0-3b1e-7d3a-9f53-2f1d6b0c4e5f", at: "2026-11-29T17:00:00Z" },
    from: { plant: "a", line: { no: 1 } },
  };
  const reader = new JsonReader(plainRecords(schema));
  const isChecked = (payload: object) => {
    const bytes = Buffer.from(JSON.stringify(payload));
    reader.parse(bytes);
    reader.parse(bytes); // whose layout is known by now
    return reader.isChecked;
  };
  expect(isChecked(event)).toBe(true);
  expect(isChecked({ ...event, to: { plant: "b", other: 1 } })).toBe(true);
  expect(isChecked({ ...event, from: { plant: "a", line: null } })).toBe(true);
  expect(isChecked({ ...event, id: "1" })).toBe(false);
  expect(isChecked({ ...event, from: { plant: "a" } })).toBe(false);
  expect(isChecked({ ...event, from: { plant: "a", line: { no: 1.5 } } })).toBe(false);
  expect(isChecked({ ...event, from: "a" })).toBe(false);
  expect(isChecked({ ...event, at: { plant: "a" } })).toBe(false);
});

test("a pattern that remembers where it has ended begins anew with every text", () => {
  const reader = new PayloadReader(z.object({ id: z.string().regex(/b/y) }));
  const read = (id: string) => reader.read(Buffer.from(JSON.stringify({ id })));
  for (let i = 0; i < 3; i++) expect(read("b")).toEqual({ id: "b" });
  expect(() => read("cb")).toThrow("id: ");
});

test("a schema may speak of one that comes after it, until the first payload comes", () => {
  const schema = z.object({
    of: z.object({
      get late() {
        return late;
      },
    }),
  });
  const reader = new PayloadReader(schema);
  const late = z.string();
  expect(reader.read(Buffer.from('{"of":{"late":"a"}}'))).toEqual({ of: { late: "a" } });
});

test("of a pattern that fails the schema is asked, too", () => {
  const schema = z.object({ id: z.string().regex(Object.freeze(/x/)) });
  const bytes = Buffer.from('{"id":"x"}');
  const reader = new PayloadReader(schema);
  for (let i = 0; i < 3; i++)
    expect(outcomeOf(() => reader.read(bytes))).toEqual(outcomeOf(() => validate(schema, { id: "x" })));
});

/** Each an object of five fields that are all the one before. */
const nested = [1, 2, 3, 4, 5, 6, 7, 8].reduce<z.ZodType>(
  (of) => z.object({ a: of, b: of, c: of, d: of, e: of }),
  z.string(),
);

/** A check of somebody's own, whose definition is a pattern's. */
const Upper = z.core.$constructor<z.core.$ZodCheckStringFormat>("Upper", (inst, def) => {
  z.core.$ZodCheckStringFormat.init(inst, def);
  inst._zod.check = (payload) => void (payload.value = payload.value.toUpperCase());
});
const upper = new Upper({ check: "string_format", format: "email", pattern: /./ });

/** A class of somebody's own, whose definition is a number's. */
const Odd = z.core.$constructor<z.ZodType>("Odd", (inst, def) => {
  z.core.$ZodNumber.init(inst as never, def as never);
  const { parse } = inst._zod;
  inst._zod.parse = (payload, context) => {
    const parsed = parse(payload, context) as z.core.ParsePayload;
    if (parsed.value === 2) parsed.issues.push({ code: "custom", input: 2, message: "even" } as never);
    return parsed;
  };
});
const odd = new Odd({ type: "number", checks: [] } as never);

const OTHER = { version: 1, vendor: "other", validate: (value: unknown) => ({ value }) } as const;

const node = z.object({
  id: z.string(),
  get next() {
    return node.optional();
  },
});

test.each<[string, StandardSchemaV1]>([
  ["a field under a symbol", z.object({ id: z.string(), [Symbol("more")]: z.string() })],
  ["a class of somebody's own", z.object({ n: odd })],
  ["a transform", z.object({ id: z.string().transform((id) => id.length) })],
  ["a refinement", z.object({ id: z.string().refine((id) => id !== "no") })],
  ["a refinement of the whole", z.object({ id: z.string() }).refine(({ id }) => id !== "no")],
  ["what changes a text", z.object({ id: z.string().trim() })],
  ["a default", z.object({ id: z.string().default("none") })],
  ["a value in place of a wrong one", z.object({ id: z.string().catch("none") })],
  ["a value made of others", z.object({ id: z.coerce.string() })],
  ["a number made of others", z.object({ n: z.coerce.number() })],
  ["a format that is more than a pattern", z.object({ id: z.url() })],
  ["a pattern of somebody's own", z.object({ id: z.string().regex(new (class extends RegExp {})("a")) })],
  ["a pattern that was changed", z.object({ id: z.string().regex(Object.assign(/a/, { test: () => true })) })],
  ["a format that somebody has defined", z.object({ at: z.stringFormat("date", /x/g) })],
  ["a check of somebody's own", z.object({ id: z.string().check(upper) })],
  ["a pattern for some", z.object({ id: z.string().regex(/a/, { when: () => true } as never) })],
  ["a bound for some", z.object({ n: z.number().min(1, { when: () => true } as never) })],
  ["objects within over and over", nested],
  ["an answer that somebody has put in its place", Object.assign(z.object({ id: z.string() }), { "~standard": OTHER })],
  ["what it inherits from another", Object.create(plain) as typeof plain],
  ["what a text begins with", z.object({ id: z.string().startsWith("a") })],
  ["steps", z.object({ n: z.number().multipleOf(5) })],
  ["a smaller format of numbers", z.object({ n: z.int32() })],
  ["a bigint", z.object({ n: z.bigint() })],
  ["a date made of a text", z.object({ at: z.coerce.date() })],
  ["a union", z.object({ id: z.union([z.string(), z.number()]) })],
  ["an object within that is not plain", z.object({ id: z.object({ a: z.string().trim() }) })],
  ["an object within with a check of its own", z.object({ of: z.object({ a: z.string() }).refine(() => true) })],
  ["what may be an object or left out, or null", z.object({ of: z.object({ a: z.string() }).optional().nullable() })],
  ["itself within", node],
  ["a list", z.object({ all: z.array(z.string()) })],
  ["what keeps unknown fields", z.looseObject({ id: z.string() })],
  ["what refuses unknown fields", z.strictObject({ id: z.string() })],
  [
    "an optional field with a check of its own",
    z.object({
      id: z
        .string()
        .optional()
        .refine(() => true),
    }),
  ],
  ["a field that every object inherits", z.object({ constructor: z.string().optional() })],
  ["no object", z.string()],
  ["no fields", z.object({})],
  ["another library", { "~standard": OTHER } satisfies StandardSchemaV1],
])("a schema is asked about every record where it has %s", (_, schema) => {
  expect(plainRecords(schema)).toBeUndefined();
});

afterEach(() => vi.unstubAllGlobals());

test("where no code may be made of texts all is read and checked, too", () => {
  vi.stubGlobal("Function", () => {
    throw new EvalError("Code generation from strings disallowed for this context");
  });
  const reader = new PayloadReader(plain);
  for (let i = 0; i < 3; i++) expect(reader.read(Buffer.from('{"id":"abc","at":1}'))).toEqual({ id: "abc", at: 1 });
});
