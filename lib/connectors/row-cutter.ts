import type { CutText } from "../state/cut-text.ts";

/** A field of a row, as it is written. */
export interface WrittenField {
  readonly field: string;
  /** As JSON names it. */
  readonly name: string;
  /** Whether it may be missing: then it is left out. */
  readonly nullable: boolean;
  /** A value as JSON, without a line's end. May throw. */
  readonly write: (value: unknown) => string;
}

/** So many sets of fields that rows go without are remembered. */
const MOST_SETS = 64;

/** Makes objects of JSON of rows, cut into names and values. */
export function rowCutter(fields: readonly WrittenField[]): (row: Readonly<Record<string, unknown>>) => CutText {
  const all = piecesOf(fields.map(({ name }) => name));
  /** By the places of the fields that are missing. */
  const known = new Map<string, readonly string[]>();
  const without = (missing: readonly number[]): readonly string[] => {
    const id = missing.join();
    let pieces = known.get(id);
    if (pieces !== undefined) return pieces;
    pieces = piecesOf(fields.flatMap(({ name }, i) => (missing.includes(i) ? [] : [name])));
    if (known.size < MOST_SETS) known.set(id, pieces);
    return pieces;
  };
  return (row) => {
    // As long as it becomes in most rows: one that grows has room for many more.
    const values = new Array<string>(fields.length);
    let length = 0;
    let missing: number[] | undefined;
    for (let i = 0; i < fields.length; i++) {
      const { field, nullable, write } = fields[i]!;
      const value = row[field];
      if (value === undefined && nullable) (missing ??= []).push(i);
      else values[length++] = write(value);
    }
    if (missing === undefined) return { pieces: all, values };
    values.length = length;
    return { pieces: without(missing), values };
  };
}

function piecesOf(names: readonly string[]): readonly string[] {
  if (names.length === 0) return ["{}"];
  return [...names.map((name, i) => `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`), "}"];
}
