/**
 * A record's place in its partition: the source's sequence number or offset, as a decimal text of any
 * length, and an index within a record that packs several. Totally ordered.
 */
export interface Position {
  readonly sequence: string;
  readonly index: number;
}

/** Below every record. */
export const BEFORE_ALL_RECORDS: Position = { sequence: "", index: -1 };

/** Negative, zero or positive as `a` is below, at or above `b`. */
export function comparePositions(a: Position, b: Position): number {
  return compareSequences(a.sequence, b.sequence) || a.index - b.index;
}

/** Decimal texts without leading zeros: the longer is the larger. Up to 128 digits, so never numbers. */
export function compareSequences(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A position as one text: equal texts are equal positions. */
export const positionText = ({ sequence, index }: Position): string => `${sequence}#${index}`;
