import type { PlainRecord } from "../plain-record.ts";
import type { Layout } from "./json-layout.ts";
import type { ValueReader } from "./json-value.ts";

/** What a {@link LayoutReader} gives for bytes that it does not read. */
export const OTHER_LAYOUT = Symbol("other layout");

/** What is known of the object that was read last. */
export interface Outcome {
  /** Whether it passes the schema, and is what the schema makes of it. */
  isChecked: boolean;
}

/**
 * Reads the object that the bytes of a buffer from one place to another are: as JSON.parse has it, or, where the outcome says
 * that it is checked, as the schema does. Gives {@link OTHER_LAYOUT} for bytes of another layout, which need not be JSON, and for values that want
 * more care.
 */
export type LayoutReader = (
  bytes: Buffer,
  start: number,
  end: number,
  values: ValueReader,
  outcome: Outcome,
) => unknown;

/**
 * Writes the code that reads a layout: what stays the same is compared as numbers, and objects are literals. Nothing of a
 * producer's gets into it but names of visible ASCII, as texts.
 *
 * @param records what objects are checked for on the way, where the schema is plain enough: one of them at most
 * @returns nothing where Node was told to make no code of texts
 */
export function layoutReader(layout: Layout, records: readonly PlainRecord[]): LayoutReader | undefined {
  const { names, between, areTexts } = layout;
  const reading = names.flatMap((_, i) => [
    ...passing(between[i]!),
    `const v${i} = ${areTexts[i]! ? "bytes[at] === 34 ? values.text(bytes, at, end) : " : ""}values.value(bytes, at, end);`,
    "if ((at = values.at) < 0) return OTHER;",
  ]);
  const code = [
    "let at = start;",
    ...reading,
    ...passing(between[names.length]!),
    "if (at !== end) return OTHER;",
    ...records.flatMap((record, i) => checking(names, record, `records[${i}]`)),
    "outcome.isChecked = false;",
    `return ${literal(names.map((name, i) => [name, i]))};`,
  ];
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see above
    const make = new Function(
      "OTHER",
      "records",
      `return (bytes, start, end, values, outcome) => {\n${code.join("\n")}\n};`,
    );
    return (make as (other: symbol, records: readonly PlainRecord[]) => LayoutReader)(OTHER_LAYOUT, records);
  } catch {
    return undefined;
  }
}

/** Goes past what must stand at a place: where it does beyond the end, the end is found to be passed. */
function passing(expected: string): string[] {
  const differences = Array.from(expected, (char, i) => `(bytes[at + ${i}] ^ ${char.charCodeAt(0)})`);
  return [`if ((${differences.join(" | ")}) !== 0) return OTHER;`, `at += ${expected.length};`];
}

/** Returns what the schema makes of the values, if they pass; a record without a field that must be there does not. */
function checking(names: readonly string[], record: PlainRecord, fields: string): string[] {
  const present = record.flatMap(({ name }, field) => {
    const value = names.lastIndexOf(name); // of two values of one name JSON.parse takes the last one
    return value < 0 ? [] : [{ name, field, value }];
  });
  if (!record.every(({ name, isOptional }) => isOptional || names.includes(name))) return [];
  const passes = present.map(({ field, value }) => `${fields}[${field}].accepts(v${value})`);
  return [
    `if (${["true", ...passes].join(" && ")}) {`,
    "  outcome.isChecked = true;",
    `  return ${literal(present.map(({ name, value }) => [name, value]))};`,
    "}",
  ];
}

const literal = (fields: readonly (readonly [name: string, value: number])[]): string =>
  `{ ${fields.map(([name, value]) => `${JSON.stringify(name)}: v${value}`).join(", ")} }`;
