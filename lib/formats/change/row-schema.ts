import { isDeepStrictEqual } from "node:util";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { definitionError } from "../../errors.ts";
import type { Change, ChangeEvent } from "./change.ts";

/** What a table's changes are read by. */
export interface ChangeOptions<R extends StandardSchemaV1, K extends StandardSchemaV1, B extends "row" | "none"> {
  /** A row: any synchronous Standard Schema. What it refuses makes a dead letter of the event. */
  readonly row: R;
  /** The columns of the row that identify it: of a delete nothing more may be known. */
  readonly key: K;
  /**
   * Whether updates and deletes must tell what the whole row was before. Where they do not, though they should, the event is
   * a dead letter. @default "none"
   */
  readonly before?: B;
}

export type BeforeOf<R extends StandardSchemaV1, B> = B extends "row" ? StandardSchemaV1.InferOutput<R> : undefined;

/** A Standard Schema of the events that a table's changes make. `I` is what is put into the stream, as JSON has it. */
export type ChangeSchema<R extends StandardSchemaV1, K extends StandardSchemaV1, B, I> = StandardSchemaV1<
  I,
  ChangeEvent<StandardSchemaV1.InferOutput<R>, StandardSchemaV1.InferOutput<K>, BeforeOf<R, B>>
>;

/** Why an event cannot be read. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly issues: readonly StandardSchemaV1.Issue[];

  constructor(issues: readonly StandardSchemaV1.Issue[]) {
    super(issues[0]?.message);
    this.issues = issues;
  }
}

export const unreadable = (message: string, ...path: readonly string[]): Unreadable =>
  new Unreadable([{ message, path }]);

/** A schema inside answered with a promise, which whoever validates has to know of. */
class Asynchronous extends Error {
  override readonly name = "Asynchronous";
  readonly answer: Promise<StandardSchemaV1.Result<never>>;

  constructor(answer: Promise<StandardSchemaV1.Result<never>>) {
    super("A schema answered with a promise.");
    this.answer = answer;
  }
}

/** Makes a Standard Schema of a function that throws {@link Unreadable}. */
export const schemaOf = <I, O>(read: (value: unknown) => O): StandardSchemaV1<I, O> => ({
  "~standard": {
    version: 1,
    vendor: "millrace",
    validate(value) {
      try {
        return { value: read(value) };
      } catch (thrown) {
        if (thrown instanceof Unreadable) return { issues: thrown.issues };
        if (thrown instanceof Asynchronous) return thrown.answer;
        throw thrown;
      }
    },
  },
});

/** Checks what the types say, for who does not have them. @throws definition error `source/schema` */
export function checkOptions(
  what: string,
  { row, key, before = "none" }: ChangeOptions<StandardSchemaV1, StandardSchemaV1, "row" | "none">,
): void {
  const isSchema = (schema: StandardSchemaV1 | undefined) => typeof schema?.["~standard"]?.validate === "function";
  const refuse = (problem: string, advice: string) =>
    definitionError({ code: "source/schema", message: `${what}: ${problem}.`, advice });
  for (const [name, schema] of Object.entries({ row, key })) {
    if (!isSchema(schema))
      throw refuse(
        `${name} is not a Standard Schema`,
        "Use zod, valibot, arktype or anything that has a `~standard` property.",
      );
  }
  if (before !== "row" && before !== "none") throw refuse(`before is "${String(before)}"`, 'It is "row" or "none".');
}

/** What an envelope holds of a row, before any of it is checked. */
export interface RawChange extends Pick<Change<unknown, unknown>, "at" | "source" | "position"> {
  readonly op: Change<unknown, unknown>["op"];
  readonly before: unknown;
  readonly after: unknown;
  /** The row's key, where the event tells of it apart from the row. */
  readonly keys?: unknown;
  /** Where `before` and `after` lie in the event, for messages. */
  readonly fields: { readonly before: string; readonly after: string };
  readonly unavailable: readonly string[];
  /** What must be set in the database for an event to tell more; for messages. */
  readonly advice: string;
}

/** Checks a change's parts by the schemas of its table. @throws Unreadable */
export function changeOf(
  { row, key, before: wanted = "none" }: ChangeOptions<StandardSchemaV1, StandardSchemaV1, "row" | "none">,
  { op, at, source, position, before, after, keys, fields, unavailable, advice }: RawChange,
): Change<unknown, unknown, unknown> {
  const hasAfter = op !== "delete";
  if (hasAfter && !isObject(after)) throw unreadable(`${op} without the row. ${advice}`, fields.after);
  const known = keys ?? (hasAfter ? after : before);
  if (!isObject(known)) throw unreadable(`${op} without the row's key. ${advice}`, fields.before);
  const told = { op, key: check(key, known, hasAfter ? fields.after : fields.before), at, source };
  const change = {
    ...told,
    ...(position !== undefined && { position }),
    ...(hasAfter && { after: check(row, after, fields.after) }),
    ...(unavailable.length > 0 && { unavailable }),
  };
  if (op === "insert" || op === "read") return change as Change<unknown, unknown, unknown>;
  if (wanted === "row" && !isObject(before)) throw unreadable(`${op} without the row before. ${advice}`, fields.before);
  const keyBefore =
    hasAfter && keys === undefined && isObject(before) ? movedKey(key, known, before, told.key) : undefined;
  return {
    ...change,
    ...(keyBefore !== undefined && { keyBefore: keyBefore.value }),
    ...(wanted === "row" && { before: check(row, before, fields.before) }),
  } as Change<unknown, unknown, unknown>;
}

/** The key that an updated row had, if it was another. Of `before` only what changed may be known. */
function movedKey(
  schema: StandardSchemaV1,
  after: object,
  before: object,
  key: unknown,
): { value: unknown } | undefined {
  const result = schema["~standard"].validate({ ...after, ...before });
  if (result instanceof Promise || result.issues !== undefined) return undefined;
  return isDeepStrictEqual(result.value, key) ? undefined : { value: result.value };
}

function check(schema: StandardSchemaV1, value: unknown, field: string): unknown {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) throw new Asynchronous(result as Promise<StandardSchemaV1.Result<never>>);
  if (result.issues === undefined) return result.value;
  throw new Unreadable(result.issues.map(({ message, path = [] }) => ({ message, path: [field, ...path] })));
}

export type Json = { readonly [name: string]: unknown };

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Numbers are bigints beyond 2^53 where they come as Avro. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== ""
    ? value
    : typeof value === "number" || typeof value === "bigint"
      ? String(value)
      : undefined;
