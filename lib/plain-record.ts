import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A field of records whose schema only looks at them: what passes it comes out as it went in. */
export interface PlainField {
  readonly name: string;
  readonly isOptional: boolean;
  /** Whether a plain value of JSON passes, a text being one of ASCII. Where it says no, the schema itself must be asked. */
  readonly accepts: (value: unknown) => boolean;
  /** What an object passes as; nothing where none does. */
  readonly record?: PlainRecord;
}

/** Fields in the order in which the schema gives them; others are left out of what it gives. */
export type PlainRecord = readonly PlainField[];

type Accepts = PlainField["accepts"];

/**
 * What zod says of its schemas to libraries that build upon them (https://zod.dev/packages/core), as far as it is of use here:
 * nothing of it may be there.
 */
interface ZodDefinition {
  readonly type?: string;
  readonly coerce?: boolean;
  readonly checks?: readonly { readonly _zod?: { readonly def?: ZodCheck; readonly traits?: ReadonlySet<string> } }[];
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly catchall?: unknown;
  readonly innerType?: unknown;
  readonly discriminator?: string;
  readonly options?: readonly unknown[];
}

interface ZodCheck {
  readonly check?: string;
  readonly format?: string;
  readonly pattern?: unknown;
  readonly fn?: unknown;
  readonly when?: unknown;
  readonly value?: unknown;
  readonly inclusive?: boolean;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly length?: unknown;
}

/** The major version whose schemas are known, and how its own classes are named. */
const ZOD = 4;
const OWN_CLASS = /^(\$|_)?Zod/;

/**
 * A schema with more fields is not plain, those of objects within counted where each is used: one may be within itself, or
 * within many others over and over.
 */
const MOST_FIELDS = 1_024;

/** Formats that are a pattern and nothing else. */
const PATTERNS: ReadonlySet<unknown> = new Set([
  ...["regex", "guid", "uuid", "nanoid", "cuid", "cuid2", "ulid", "xid", "ksuid"],
  ...["datetime", "date", "time", "duration", "email", "ipv4", "cidrv4", "e164"],
]);

/**
 * The records that a schema takes, where all of them are plain: of an object one, of a discriminated union one for each option. A
 * value has one of them at most.
 */
export function plainRecords(schema: StandardSchemaV1): readonly PlainRecord[] | undefined {
  // What was put in place of zod's own answer is asked.
  if (!Object.hasOwn(schema, "_zod") || schema["~standard"].vendor !== "zod") return undefined;
  const seen = { fields: 0 };
  const record = plainRecord(schema, seen);
  if (record !== undefined) return [record];
  const definition = definitionOf(schema);
  const { type, discriminator, options = [] } = definition ?? {};
  if (definition === undefined || type !== "union" || discriminator === undefined || hasChecks(definition))
    return undefined;
  const told = new Set<unknown>();
  const records: PlainRecord[] = [];
  for (const option of options) {
    const fields = plainRecord(option, seen);
    const values = valuesOf(definitionOf(option)?.shape?.[discriminator]);
    // Zod refuses a union whose options share a value, or that has one without any, once it is asked.
    if (fields === undefined || values.size === 0 || [...values].some((value) => told.has(value))) return undefined;
    for (const value of values) told.add(value);
    records.push(fields);
  }
  return records.length === 0 ? undefined : records;
}

/** All values that a literal or an enum may have; none of other schemas. */
function valuesOf(schema: unknown): ReadonlySet<unknown> {
  const type = schema === undefined ? undefined : definitionOf(schema)?.type;
  return type === "literal" || type === "enum" ? (zodOf(schema)?.values ?? new Set()) : new Set();
}

/**
 * The fields of a schema that is plain: an object of zod's with texts, numbers, booleans, literals, enums and such objects, some
 * of them optional or nullable, with bounds and patterns and without anything that changes a value, or that calls user code.
 *
 * It is no second meaning of the schema: what is accepted here passes there, by a law over random schemas and values, and of
 * what is not accepted the schema is asked. Undefined for all other schemas.
 */
function plainRecord(schema: unknown, seen: { fields: number }): PlainRecord | undefined {
  const definition = definitionOf(schema);
  if (definition?.type !== "object" || definition.catchall !== undefined || hasChecks(definition)) return undefined;
  const { shape = {} } = definition;
  if (Object.getOwnPropertySymbols(shape).length > 0) return undefined;
  const record: PlainField[] = [];
  for (const [name, field] of Object.entries(shape)) {
    // Zod looks at what an object inherits, too.
    const isPlain = !(name in Object.prototype) && ++seen.fields <= MOST_FIELDS;
    const plain = isPlain ? plainField(name, field, seen) : undefined;
    if (plain === undefined) return undefined;
    record.push(plain);
  }
  return record.length === 0 ? undefined : record;
}

interface ZodSchema {
  readonly version?: { readonly major?: number };
  /** Names of the classes that it is of. */
  readonly traits?: ReadonlySet<string>;
  readonly def?: ZodDefinition;
  /** All that there are, of literals and enums. */
  readonly values?: ReadonlySet<unknown>;
}

function zodOf(schema: unknown): ZodSchema | undefined {
  const { _zod: zod } = schema as { readonly _zod?: ZodSchema };
  if (zod?.version?.major !== ZOD) return undefined;
  return isOfOwnClasses(zod.traits) ? zod : undefined;
}

/** A class of somebody's own may do otherwise than its definition says. */
const isOfOwnClasses = (traits: ReadonlySet<string> = new Set()): boolean =>
  traits.size > 0 && [...traits].every((trait) => OWN_CLASS.test(trait));

const definitionOf = (schema: unknown): ZodDefinition | undefined => zodOf(schema)?.def;

const hasChecks = ({ checks = [] }: ZodDefinition): boolean => checks.length > 0;

function plainField(name: string, schema: unknown, seen: { fields: number }): PlainField | undefined {
  const definition = definitionOf(schema);
  const isOptional = definition?.type === "optional" && !hasChecks(definition);
  const given = isOptional ? definition.innerType : schema;
  const accepts = acceptsOf(given);
  if (accepts !== undefined) return { name, isOptional, accepts };
  const of = definitionOf(given);
  const isNullable = of?.type === "nullable" && !hasChecks(of);
  const record = plainRecord(isNullable ? of.innerType : given, seen);
  return record && { name, isOptional, record, accepts: (value) => isNullable && value === null };
}

function acceptsOf(schema: unknown): Accepts | undefined {
  const definition = definitionOf(schema);
  if (definition === undefined || definition.coerce === true) return undefined;
  const { type, innerType } = definition;
  if (type === "string") return acceptsText(definition);
  if (type === "number") return acceptsNumber(definition);
  if (hasChecks(definition)) return undefined;
  if (type === "boolean") return (value) => value === true || value === false;
  if (type === "literal" || type === "enum") return oneOf(zodOf(schema)?.values ?? new Set());
  if (type !== "nullable") return undefined;
  const inner = acceptsOf(innerType);
  return inner && ((value) => value === null || inner(value));
}

/** Texts alone: of other values the schema is asked. */
const oneOf =
  (values: ReadonlySet<unknown>): Accepts =>
  (value) =>
    typeof value === "string" && values.has(value);

function acceptsText(definition: ZodDefinition): Accepts | undefined {
  let least = 0;
  let most = Number.POSITIVE_INFINITY;
  const patterns: RegExp[] = [];
  for (const check of checksOf(definition)) {
    const { minimum, maximum, length } = check ?? {};
    if (check?.check === "min_length" && typeof minimum === "number") least = Math.max(least, minimum);
    else if (check?.check === "max_length" && typeof maximum === "number") most = Math.min(most, maximum);
    else if (check?.check === "length_equals" && typeof length === "number") {
      least = Math.max(least, length);
      most = Math.min(most, length);
    } else {
      const pattern = patternOf(check);
      if (pattern === undefined) return undefined;
      patterns.push(pattern);
    }
  }
  const isWithin = (value: string): boolean => value.length >= least && value.length <= most;
  if (patterns.length === 0) return (value) => typeof value === "string" && isWithin(value);
  return (value) =>
    typeof value === "string" && isWithin(value) && patterns.every((pattern) => matches(pattern, value));
}

/** What a text must match and nothing else; undefined for other checks, which functions of somebody's own may be a part of. */
function patternOf({ check, format, pattern, fn, when }: ZodCheck = {}): RegExp | undefined {
  const isPattern = check === "string_format" && PATTERNS.has(format) && fn === undefined && when === undefined;
  if (!isPattern || !(pattern instanceof RegExp)) return undefined;
  // Of one with methods of its own nobody knows what it does.
  const isOrdinary = Object.getPrototypeOf(pattern) === RegExp.prototype;
  return isOrdinary && Object.getOwnPropertyNames(pattern).join() === "lastIndex" ? pattern : undefined;
}

/** As zod does: one that is global remembers where it has ended. What fails, as with a text too long for it, matches nothing. */
function matches(pattern: RegExp, value: string): boolean {
  try {
    pattern.lastIndex = 0;
    return pattern.test(value);
  } catch {
    return false;
  }
}

function acceptsNumber(definition: ZodDefinition): Accepts | undefined {
  let above = Number.NEGATIVE_INFINITY;
  let below = Number.POSITIVE_INFINITY;
  let least = -Number.MAX_VALUE;
  let most = Number.MAX_VALUE;
  let isWhole = false;
  for (const check of checksOf(definition)) {
    const { value, inclusive, when } = check ?? {};
    if (when !== undefined) return undefined;
    if (check?.check === "number_format" && check.format === "safeint") isWhole = true;
    else if (typeof value !== "number" || typeof inclusive !== "boolean") return undefined;
    else if (check?.check === "greater_than" && inclusive) least = Math.max(least, value);
    else if (check?.check === "greater_than") above = Math.max(above, value);
    else if (check?.check === "less_than" && inclusive) most = Math.min(most, value);
    else if (check?.check === "less_than") below = Math.min(below, value);
    else return undefined;
  }
  const isWithin = (value: number): boolean => value >= least && value <= most && value > above && value < below;
  if (isWhole) return (value) => typeof value === "number" && isWithin(value) && Number.isSafeInteger(value);
  return (value) => typeof value === "number" && isWithin(value);
}

/** A format of zod's own (`z.int()`, `z.uuid()`) is a check of the schema, which is told in its definition. */
function checksOf(definition: ZodDefinition): readonly (ZodCheck | undefined)[] {
  const own = definition as ZodCheck;
  const checks = (definition.checks ?? []).map(({ _zod: zod }) => (isOfOwnClasses(zod?.traits) ? zod?.def : undefined));
  return own.check === undefined ? checks : [own, ...checks];
}
