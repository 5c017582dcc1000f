/**
 * Every error Millrace raises.
 *
 * The kind says who must act, and is the only thing the runtime branches on (X10):
 *
 * - `definition`: the pipeline as written cannot run. Raised while building or synthesizing.
 * - `poison`: this one record (pane, output) cannot be processed. Becomes a dead letter.
 * - `infrastructure`: a service failed. The batch is retried.
 * - `systemic`: the deployment or the producer is wrong. The batch fails loudly until someone acts.
 */
export type ErrorKind = "definition" | "poison" | "infrastructure" | "systemic";

export interface ErrorDetails {
  /** Stable, for machines: `area/what-is-wrong`. */
  readonly code: string;
  /** What was being done to what, and what is wrong, naming pipeline, operator or position. */
  readonly message: string;
  /** What the reader should do. */
  readonly advice?: string;
  readonly cause?: unknown;
}

export class MillraceError extends Error {
  override readonly name = "MillraceError";
  readonly kind: ErrorKind;
  readonly code: string;
  readonly advice: string | undefined;

  constructor(kind: ErrorKind, { code, message, advice, cause }: ErrorDetails) {
    super(advice === undefined ? message : `${message} ${advice}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.code = code;
    this.advice = advice;
  }
}

export const definitionError = (details: ErrorDetails): MillraceError => new MillraceError("definition", details);
export const poisonError = (details: ErrorDetails): MillraceError => new MillraceError("poison", details);
export const infrastructureError = (details: ErrorDetails): MillraceError =>
  new MillraceError("infrastructure", details);
export const systemicError = (details: ErrorDetails): MillraceError => new MillraceError("systemic", details);

/** Whether what was thrown where user code runs is everyone's fault. All else is this record's, whatever it is. */
export const isSystemic = (thrown: unknown): boolean => thrown instanceof MillraceError && thrown.kind === "systemic";

/** The kind of any thrown value, seen from a place where a service is called: what is not ours is infrastructure. */
export const kindAtService = (thrown: unknown): ErrorKind =>
  thrown instanceof MillraceError ? thrown.kind : "infrastructure";

/** The message of any thrown value. User code can throw anything, so this never throws itself. */
export function messageOf(thrown: unknown): string {
  try {
    const message: unknown = thrown instanceof Error ? thrown.message : thrown;
    return typeof message === "string" ? message : (JSON.stringify(message) ?? typeof message);
  } catch {
    return "a value that has no text was thrown";
  }
}
