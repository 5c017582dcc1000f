/**
 * A text that was put together of pieces and values between them, as who made it knows: nobody has to look for them in the
 * text. One piece more than values; no value has a line's end.
 */
export interface CutText {
  readonly pieces: readonly string[];
  readonly values: readonly string[];
}

/** Whether texts are of one form. Most share the very list of pieces. */
export const areSamePieces = (some: readonly string[], others: readonly string[]): boolean =>
  some === others || (some.length === others.length && some.every((piece, i) => piece === others[i]));

/** Joined, and not added one to the other: what is added stays in pieces, which take several times a text's memory. */
export function wholeText({ pieces, values }: CutText): string {
  const parts = new Array<string>(2 * values.length + 1);
  parts[0] = pieces[0]!;
  for (let i = 0; i < values.length; i++) {
    parts[2 * i + 1] = values[i]!;
    parts[2 * i + 2] = pieces[i + 1]!;
  }
  return parts.join("");
}

/** UTF-16 units of a text. */
export function lengthOf(text: string | CutText): number {
  if (typeof text === "string") return text.length;
  let length = 0;
  for (const piece of text.pieces) length += piece.length;
  for (const value of text.values) length += value.length;
  return length;
}
