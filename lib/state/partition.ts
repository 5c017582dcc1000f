import type { HashRange } from "./hash-range.ts";

/** A partition of a source as the source lists it. */
export interface Partition {
  readonly id: string;
  /** What it replaces: one when its parent was split, two when they were merged. They may be listed no more. */
  readonly parents: readonly string[];
  /** Which partition keys it takes. */
  readonly range: HashRange;
}
