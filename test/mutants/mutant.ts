/** A deliberate defect: one text in one file of the library replaced by another. */
export interface Mutant {
  /** Of what the defect is, in a few words. */
  readonly name: string;
  /** The invariant it breaks. */
  readonly invariant: `X${number}` | "resharding";
  /** From the project's root. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The simulator must catch it within so many runs. */
  readonly within: number;
  /** Whether that takes pipelines of several stages: all runs then have one. */
  readonly isStaged?: boolean;
}
