import type { CutText } from "../state/cut-text.ts";

/** A field of a row, as it is written. */
export interface WrittenField {
  /** As JSON names it. */
  readonly name: string;
  /** Its value as JSON, without a line's end; undefined where it is left out. May throw. */
  readonly write: (row: Readonly<Record<string, unknown>>) => string | undefined;
}

/** Makes objects of JSON of rows, cut into names and values. */
export function rowCutter(fields: readonly WrittenField[]): (row: Readonly<Record<string, unknown>>) => CutText {
  const all = piecesOf(fields.map(({ name }) => name));
  return (row) => {
    const values: string[] = [];
    let names: string[] | undefined;
    for (let i = 0; i < fields.length; i++) {
      const { name, write } = fields[i]!;
      const value = write(row);
      if (value === undefined) names ??= fields.slice(0, i).map((field) => field.name);
      else {
        values.push(value);
        names?.push(name);
      }
    }
    return { pieces: names === undefined ? all : piecesOf(names), values };
  };
}

function piecesOf(names: readonly string[]): readonly string[] {
  if (names.length === 0) return ["{}"];
  return [...names.map((name, i) => `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`), "}"];
}
