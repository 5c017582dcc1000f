import { systemicError } from "../errors.ts";

/** The environment variable that carries a function's {@link Bindings}, as JSON. */
export const BINDINGS_VARIABLE = "MILLRACE_BINDINGS";

/** The environment variable that names the function's build. */
export const BUILD_VARIABLE = "MILLRACE_BUILD";

/** What a stage's function is bound to: the names of the resources that the construct made for it. */
export interface Bindings {
  /** Which deployment of the pipeline this is: the stack's name. */
  readonly deployment: string;
  readonly stage: string;
  /** Raised by a replay or a restore. */
  readonly generation: number;
  readonly source: {
    /** The stream's name. */
    readonly stream: string;
    readonly streamArn: string;
    /** Which of the streams that ever had this name. */
    readonly incarnation: number;
    /** A record that comes alone and so long after its arrival, in milliseconds, is suspected of killing the process (X7). */
    readonly suspectAfterMillis: number;
  };
  /** The changelog table. */
  readonly table: string;
  /** The bucket of checkpoints, spilled commits and large dead letters. */
  readonly bucket: string;
  readonly deadLetterQueueUrl: string;
  readonly tickQueueUrl: string;
  /** Queues of the ticks of the stages that write to it, by their names. */
  readonly tickQueues: Readonly<Record<string, string>>;
  /** Internal streams that it writes to, by the stage that reads them. */
  readonly shuffles: Readonly<Record<string, string>>;
  /** Delivery streams by sink. */
  readonly deliveryStreams: Readonly<Record<string, string>>;
  /** DynamoDB tables that it looks up in, by the names that the pipeline has for them. */
  readonly lookupTables: Readonly<Record<string, string>>;
}

/**
 * Reads the bindings out of an environment.
 *
 * @throws systemic error `bindings/invalid` naming the field
 */
export function readBindings(environment: Readonly<Record<string, string | undefined>>): Bindings {
  const json = environment[BINDINGS_VARIABLE];
  if (json === undefined) throw refuse("is not set");
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw refuse("is not JSON", cause);
  }
  const bindings = recordOf(value, "it");
  const source = recordOf(bindings["source"], "source");
  const textsOf = (field: string): Readonly<Record<string, string>> => {
    const texts = recordOf(bindings[field], field);
    return Object.fromEntries(Object.keys(texts).map((name) => [name, textOf(texts, name, `${field}.`)]));
  };
  return {
    deployment: textOf(bindings, "deployment"),
    stage: textOf(bindings, "stage"),
    generation: numberOf(bindings, "generation"),
    source: {
      stream: textOf(source, "stream", "source."),
      streamArn: textOf(source, "streamArn", "source."),
      incarnation: numberOf(source, "incarnation", "source."),
      suspectAfterMillis: numberOf(source, "suspectAfterMillis", "source."),
    },
    table: textOf(bindings, "table"),
    bucket: textOf(bindings, "bucket"),
    deadLetterQueueUrl: textOf(bindings, "deadLetterQueueUrl"),
    tickQueueUrl: textOf(bindings, "tickQueueUrl"),
    tickQueues: textsOf("tickQueues"),
    shuffles: textsOf("shuffles"),
    deliveryStreams: textsOf("deliveryStreams"),
    lookupTables: textsOf("lookupTables"),
  };
}

function recordOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refuse(`has no object for ${what}`);
}

/** @param within what the field's name begins with in errors */
function textOf(record: Record<string, unknown>, field: string, within = ""): string {
  const value = record[field];
  if (typeof value === "string" && value !== "") return value;
  throw refuse(`has no text for ${within}${field}`);
}

function numberOf(record: Record<string, unknown>, field: string, within = ""): number {
  const value = record[field];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw refuse(`has no whole number for ${within}${field}`);
}

const refuse = (problem: string, cause?: unknown) =>
  systemicError({
    code: "bindings/invalid",
    message: `The variable ${BINDINGS_VARIABLE} ${problem}.`,
    advice: "It is set by the construct MillracePipeline; deploy the function with it.",
    cause,
  });
