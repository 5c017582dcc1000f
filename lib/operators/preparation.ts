import type { KeyValue } from "../state/key.ts";
import type { Answer, EnrichSpec } from "./enrich.ts";
import type { Push } from "./operator.ts";

/** Is asked what is known of a key; what is not known is to be looked up. */
export type Ask = (spec: EnrichSpec, key: KeyValue) => Answer | undefined;

/** The part of a stage that runs before the fold, to find out what its values need to have looked up. */
export interface Preparation {
  /** The operators that look things up. */
  readonly specs: readonly EnrichSpec[];
  /**
   * Where values enter, by the name of the source or of the `keyBy` they come through. A value goes as far as its answers
   * are known. Pure but for what is asked.
   */
  readonly bind: (ask: Ask) => (entry: string) => Push;
}
