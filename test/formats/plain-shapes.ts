import fc from "fast-check";
import * as z from "zod";

const BOUND = fc.oneof(fc.integer({ min: -3, max: 5 }), fc.constantFrom(0, 0.5, -0.25, 1e9));
const LENGTH = fc.integer({ min: 0, max: 4 });

/** A schema with up to two checks of zod's, as calls. */
const checked = <T extends z.ZodType>(
  of: T,
  ...checks: readonly fc.Arbitrary<(of: T) => T>[]
): fc.Arbitrary<z.ZodType> =>
  fc.array(fc.oneof(...checks), { maxLength: 2 }).map((all) => all.reduce((one, check) => check(one), of));

const TEXT = checked(
  z.string(),
  LENGTH.map((n) => (of) => of.min(n)),
  LENGTH.map((n) => (of) => of.max(n)),
  LENGTH.map((n) => (of) => of.length(n)),
);
const NUMBER = checked(
  z.number(),
  BOUND.map((n) => (of) => of.min(n)),
  BOUND.map((n) => (of) => of.max(n)),
  BOUND.map((n) => (of) => of.gt(n)),
  BOUND.map((n) => (of) => of.lt(n)),
  fc.constant((of) => of.int()),
);

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
    z.uuid(),
    z.email().min(8),
    z.iso.datetime({ offset: true }),
    z.iso.date(),
    z.string().regex(/a/g).max(3),
  ),
);

/** A field's schema, and the fields of the object that it is, if it is one. */
export interface Field {
  readonly schema: z.ZodType;
  readonly shape?: Shape;
}
export type Shape = readonly (readonly [name: string, of: Field])[];

const NAMES = ["id", "at", "get", "0", "value", "a b"] as const;
export const schemaOf = (shape: Shape) =>
  z.object(Object.fromEntries(shape.map(([name, { schema }]) => [name, schema])));

/** Shapes of objects, with such objects within. */
export const { SHAPE } = fc.letrec<{ FIELD: Field; SHAPE: Shape }>((tie) => ({
  FIELD: fc
    .tuple(
      fc.oneof(
        { maxDepth: 2, depthIdentifier: "within" },
        { weight: 4, arbitrary: PLAIN.map((schema): Field => ({ schema })) },
        { weight: 1, arbitrary: tie("SHAPE").map((shape): Field => ({ schema: schemaOf(shape), shape })) },
      ),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([{ schema, ...field }, isNullable, isOptional]): Field => {
      const nullable = isNullable ? schema.nullable() : schema;
      return { ...field, schema: isOptional ? nullable.optional() : nullable };
    }),
  SHAPE: fc.array(fc.tuple(fc.constantFrom(...NAMES), tie("FIELD")), {
    ...{ minLength: 1, maxLength: 5, depthIdentifier: "within" },
  }),
}));

/** An object as it is written: a name may come twice. */
export class Written {
  readonly fields: readonly (readonly [name: string, value: unknown])[];

  constructor(fields: readonly (readonly [name: string, value: unknown])[]) {
    this.fields = fields;
  }

  get text(): string {
    const textOf = (value: unknown) => (value instanceof Written ? value.text : JSON.stringify(value));
    return `{${this.fields.map(([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`).join()}}`;
  }
}

const VALUES: readonly unknown[] = [
  ...["", "up", "down", "high", "Low", "abc", "abcd", "é", "\u{1f600}", "a\\b", true, false, null],
  ...[0, -0, 1, 2, 0.5, -0.25, 1e9, 2 ** 53, 1e300, 1.5, -3, [], {}],
  ...["0190a8c0-3b1e-7d3a-9f53-2f1d6b0c4e5f", "0190a8c0-3b1e-0d3a-9f53-2f1d6b0c4e5f", "a@b.example", "a@b.c"],
  ...["2026-11-29T17:00:00Z", "2026-11-29T17:00:00.5+01:00", "2026-02-30T17:00:00Z", "2026-11-29", "2026-02-30"],
];

/** Objects of few layouts: fields in any order, some left out, some twice, some unknown; most values such as the schema takes. */
function layoutsOf(shape: Shape): fc.Arbitrary<readonly fc.Arbitrary<Written>[]> {
  const fields = new Map(shape);
  const names = fc.array(fc.constantFrom(...fields.keys(), "other"), { minLength: 1, maxLength: 6 });
  const whole = fc.shuffledSubarray([...fields.keys()], { minLength: fields.size });
  const layout = fc
    .oneof({ weight: 2, arbitrary: whole }, names)
    .chain((layout) => fc.tuple(...layout.map((name) => valueOf(fields.get(name)).map((of) => [name, of] as const))))
    .map((values) =>
      fc.tuple(...values.map(([name, of]) => of.map((value) => [name, value] as const))).map((all) => new Written(all)),
    );
  return fc.array(layout, { minLength: 1, maxLength: 2 });
}

/** What a field has in one layout: objects within are laid out as it says, too. */
function valueOf(field: Field | undefined): fc.Arbitrary<fc.Arbitrary<unknown>> {
  const any = fc.constantFrom(...VALUES);
  const right = VALUES.filter((value) => field?.schema.safeParse(value).success ?? true);
  const plain = right.length === 0 ? any : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...right) }, any);
  if (field?.shape === undefined) return fc.constant(plain);
  const within = layoutsOf(field.shape).map((layouts) => fc.oneof(...layouts));
  return fc.oneof({ weight: 4, arbitrary: within }, fc.constant(plain));
}

export const recordsOf = (shape: Shape): fc.Arbitrary<readonly Written[]> =>
  layoutsOf(shape).chain((layouts) => fc.array(fc.oneof(...layouts), { minLength: 2, maxLength: 8 }));
