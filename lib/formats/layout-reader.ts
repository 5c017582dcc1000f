import type { PlainRecord } from "../plain-record.ts";
import type { Layout, LayoutObject } from "./json-layout.ts";
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
  const { object, between, areTexts } = layout;
  const reading = areTexts.flatMap((isText, i) => [
    ...passing(between[i]!),
    `const v${i} = ${isText ? "bytes[at] === 34 ? values.text(bytes, at, end) : " : ""}values.value(bytes, at, end);`,
    "if ((at = values.at) < 0) return OTHER;",
  ]);
  const code = [
    "let at = start;",
    ...reading,
    ...passing(between[areTexts.length]!),
    "if (at !== end) return OTHER;",
    ...records.flatMap((record, i) => {
      const checked = checkedObject(object, record, `records[${i}]`);
      return checked === undefined ? [] : returning(checked);
    }),
    "outcome.isChecked = false;",
    `return ${wholeObject(object)};`,
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

/** An object as code, and what must be so for the schema to make it of the values. */
interface CheckedObject {
  readonly passes: readonly string[];
  readonly made: string;
}

const returning = ({ passes, made }: CheckedObject): string[] => [
  `if (${["true", ...passes].join(" && ")}) {`,
  "  outcome.isChecked = true;",
  `  return ${made};`,
  "}",
];

/**
 * What the schema makes of an object; nothing where it has not all that must be there, or an object where there must be none.
 *
 * @param fields the record as code
 */
function checkedObject(object: LayoutObject, record: PlainRecord, fields: string): CheckedObject | undefined {
  const passes: string[] = [];
  const made: [string, string][] = [];
  for (const [i, { name, isOptional, record: inner }] of record.entries()) {
    const of = object.findLast(([one]) => one === name)?.[1]; // of two values of one name JSON.parse takes the last one
    if (of === undefined && isOptional) continue;
    if (typeof of === "number") {
      passes.push(`${fields}[${i}].accepts(v${of})`);
      made.push([name, `v${of}`]);
    } else {
      const checked = of && inner && checkedObject(of, inner, `${fields}[${i}].record`);
      if (checked === undefined) return undefined;
      passes.push(...checked.passes);
      made.push([name, checked.made]);
    }
  }
  return { passes, made: literal(made) };
}

/** An object as JSON.parse has it, as code. */
const wholeObject = (object: LayoutObject): string =>
  literal(object.map(([name, of]) => [name, typeof of === "number" ? `v${of}` : wholeObject(of)]));

const literal = (fields: readonly (readonly [name: string, value: string])[]): string =>
  `{ ${fields.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")} }`;
