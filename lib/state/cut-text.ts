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

export function wholeText({ pieces, values }: CutText): string {
  let text = pieces[0]!;
  for (let i = 0; i < values.length; i++) text += values[i]! + pieces[i + 1]!;
  return text;
}
