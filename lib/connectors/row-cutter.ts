import type { CutText } from "../state/cut-text.ts";

/** A field of a row, as it is written. */
export interface WrittenField {
  /** As JSON names it. */
  readonly name: string;
  /** Its value as JSON, without a line's end; undefined where it is left out. May throw. */
  readonly write: (row: Readonly<Record<string, unknown>>) => string | undefined;
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
    const values: string[] = [];
    let missing: number[] | undefined;
    for (let i = 0; i < fields.length; i++) {
      const value = fields[i]!.write(row);
      if (value === undefined) (missing ??= []).push(i);
      else values.push(value);
    }
    return { pieces: missing === undefined ? all : without(missing), values };
  };
}

function piecesOf(names: readonly string[]): readonly string[] {
  if (names.length === 0) return ["{}"];
  return [...names.map((name, i) => `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`), "}"];
}
