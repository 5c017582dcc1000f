import type { StandardSchemaV1 } from "@standard-schema/spec";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import * as z from "zod";
import { PayloadReader } from "../../lib/connectors/payload-reader.ts";
import { JsonReader } from "../../lib/formats/json-reader.ts";
import { MillraceError } from "../../lib/errors.ts";
import { plainRecords } from "../../lib/plain-record.ts";
import { validate } from "../../lib/schema.ts";

const BOUND = fc.oneof(fc.integer({ min: -3, max: 5 }), fc.constantFrom(0, 0.5, -0.25, 1e9));
const LENGTH = fc.integer({ min: 0, max: 4 });

/** What zod checks of a text or a number, as calls. */
const TEXT = fc
  .array(
    fc.oneof(
      LENGTH.map((n) => (of: z.ZodString) => of.min(n)),
      LENGTH.map((n) => (of: z.ZodString) => of.max(n)),
      LENGTH.map((n) => (of: z.ZodString) => of.length(n)),
    ),
    { maxLength: 2 },
  )
  .map((checks): z.ZodType => checks.reduce((of, check) => check(of), z.string()));
const NUMBER = fc
  .array(
    fc.oneof(
      BOUND.map((n) => (of: z.ZodNumber) => of.min(n)),
      BOUND.map((n) => (of: z.ZodNumber) => of.max(n)),
      BOUND.map((n) => (of: z.ZodNumber) => of.gt(n)),
      BOUND.map((n) => (of: z.ZodNumber) => of.lt(n)),
      fc.constant((of: z.ZodNumber) => of.int()),
    ),
    { maxLength: 2 },
  )
  .map((checks): z.ZodType => checks.reduce((of, check) => check(of), z.number()));

/** As TypeScript makes an enum with numbers: their names are no values of it. */
const Level = { Low: 0, 0: "Low", High: "high" } as const;

const PLAIN = fc.oneof(
  TEXT,
  NUMBER,
  fc.constantFrom<z.ZodType>(
    z.int(),
    z.boolean(),
    z.literal("up"),
    z.literal(["up", 1, null]),
    z.enum(["up", "down"]),
    z.enum(Level),
    z.string().describe("a text"),
  ),
);
const FIELD = fc.tuple(PLAIN, fc.boolean(), fc.boolean()).map(([of, isNullable, isOptional]) => {
  const nullable = isNullable ? of.nullable() : of;
  return isOptional ? nullable.optional() : nullable;
});

const NAMES = ["id", "at", "get", "0", "value", "a b"] as const;
const SHAPE = fc.array(fc.tuple(fc.constantFrom(...NAMES), FIELD), { minLength: 1, maxLength: 5 });
const VALUES: readonly unknown[] = [
  ...["", "up", "down", "high", "Low", "abc", "abcd", "é", "\u{1f600}", "a\\b", true, false, null],
  ...[0, -0, 1, 2, 0.5, -0.25, 1e9, 2 ** 53, 1e300, 1.5, -3, [], {}],
];

/** Records of few layouts: fields in any order, some left out, some twice, some unknown; most values such as the schema takes. */
const recordsOf = (shape: readonly (readonly [string, z.ZodType])[]) => {
  const names = fc.array(fc.constantFrom(...shape.map(([name]) => name), "other"), { minLength: 1, maxLength: 6 });
  const schemas = new Map(shape);
  const valueOf = (name: string) => {
    const right = VALUES.filter((value) => schemas.get(name)?.safeParse(value).success ?? true);
    const any = fc.constantFrom(...VALUES);
    return right.length === 0 ? any : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...right) }, any);
  };
  const whole = fc.shuffledSubarray([...schemas.keys()], { minLength: schemas.size });
  return fc.array(fc.oneof(whole, names), { minLength: 1, maxLength: 2 }).chain((layouts) =>
    fc.array(
      fc
        .constantFrom(...layouts)
        .chain((layout) =>
          fc
            .tuple(...layout.map(valueOf))
            .map((values) => layout.map((name, i): readonly [string, unknown] => [name, values[i]])),
        ),
      { minLength: 2, maxLength: 8 },
    ),
  );
};

const CASE = SHAPE.chain((shape) => fc.tuple(fc.constant(shape), recordsOf(shape)));

const textOf = (fields: readonly (readonly [string, unknown])[]): Buffer =>
  Buffer.from(`{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`);

const outcomeOf = (make: () => unknown): unknown => {
  try {
    const value = make();
    return { json: JSON.stringify(value), value }; // the order of the fields, and −0, are part of it
  } catch (thrown) {
    if (thrown instanceof MillraceError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
};

const schemaOf = (fields: readonly (readonly [string, z.ZodType])[]) => z.object(Object.fromEntries(fields));

/** Reads payloads one after the other, and counts those that the schema was not asked about, and those that it refuses. */
function readAll(schema: z.ZodType, payloads: readonly Buffer[], seen: { checked: number; refused: number }): void {
  const reader = new PayloadReader(schema);
  const json = new JsonReader(plainRecords(schema));
  for (const bytes of payloads) {
    const expected = outcomeOf(() => validate(schema, JSON.parse(bytes.toString())));
    expect(outcomeOf(() => reader.read(bytes))).toEqual(expected);
    json.parse(bytes);
    if (json.isChecked) seen.checked++;
    if ("code" in (expected as object)) seen.refused++;
  }
}

test("a payload comes to what JSON.parse and the schema make of it, and fails as they do, whatever came before", () => {
  const seen = { checked: 0, refused: 0 };
  fc.assert(
    fc.property(CASE, ([shape, payloads]) => {
      const schema = schemaOf(shape);
      expect(plainRecords(schema)).toBeDefined();
      readAll(schema, [...payloads, ...payloads].map(textOf), seen);
    }),
    { numRuns: 400 },
  );
  expect(seen.checked).toBeGreaterThan(250);
  expect(seen.refused).toBeGreaterThan(250);
});

const TAGS = ["up", "down", "high"] as const;

/** Unions of up to three options that say in a field which they are; the options have other fields, or the same. */
const UNION = fc
  .tuple(fc.array(SHAPE, { minLength: 1, maxLength: 3 }), fc.constantFrom("kind", "id"), fc.nat())
  .map(([shapes, discriminator, seed]) => {
    const options = shapes.map((shape, i) => {
      const tag: z.ZodType = (seed + i) % 4 === 0 ? z.enum([TAGS[i]!, `${i}`]) : z.literal(TAGS[i]!);
      const fields: (readonly [string, z.ZodType])[] = shape.filter(([name]) => name !== discriminator);
      // Of one option at most, or zod would not know which is meant.
      const isOptional = i === seed % 5;
      fields.splice((seed + i) % (fields.length + 1), 0, [discriminator, isOptional ? tag.optional() : tag]);
      return fields;
    });
    return { discriminator, options };
  });

test("so does one of a union whose options say which they are", () => {
  const seen = { checked: 0, refused: 0 };
  const cases = UNION.chain((union) =>
    fc.tuple(fc.constant(union), fc.tuple(...union.options.map(recordsOf)), fc.nat(2)),
  );
  fc.assert(
    fc.property(cases, ([{ discriminator, options }, payloads, shift]) => {
      const schema = z.discriminatedUnion(discriminator, options.map(schemaOf) as never);
      // Of one option and another in turns.
      const all = payloads.flatMap((some, i) => some.map((fields, n) => ({ fields, at: 3 * n + ((i + shift) % 3) })));
      const mixed = all.toSorted((a, b) => a.at - b.at).map(({ fields }) => textOf(fields));
      readAll(schema, [...mixed, ...mixed], seen);
    }),
    { numRuns: 400 },
  );
  expect(seen.checked).toBeGreaterThan(250);
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
  const asked = vi.fn(plain["~standard"].validate);
  const schema = Object.create(plain, {
    "~standard": { value: { ...plain["~standard"], validate: asked } },
  }) as typeof plain;
  const reader = new PayloadReader(schema);
  const read = (text: string) => reader.read(Buffer.from(text));
  read('{"id":"abc","at":1}');
  const first = asked.mock.calls.length;
  expect(read('{"id":"abd","at":2}')).toEqual({ id: "abd", at: 2 });
  expect(read('{"id":"abe","at":2.5}')).toEqual({ id: "abe", at: 2.5 });
  expect(asked).toHaveBeenCalledTimes(first);
  expect(() => read('{"id":"abde","at":2}')).toThrow("id: ");
  expect(asked).toHaveBeenCalledTimes(first + 1);
});

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
  ["a format", z.object({ id: z.uuid() })],
  ["a pattern", z.object({ id: z.string().regex(/a/) })],
  ["steps", z.object({ n: z.number().multipleOf(5) })],
  ["a smaller format of numbers", z.object({ n: z.int32() })],
  ["a bigint", z.object({ n: z.bigint() })],
  ["a date", z.object({ at: z.iso.datetime() })],
  ["a union", z.object({ id: z.union([z.string(), z.number()]) })],
  ["an object within", z.object({ id: z.object({ a: z.string() }) })],
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
  [
    "another library",
    {
      "~standard": { version: 1, vendor: "other", validate: (value: unknown) => ({ value }) },
    } satisfies StandardSchemaV1,
  ],
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
