import { systemicError } from "../errors.ts";

/** The environment variable that carries a function's {@link Bindings}, as JSON. */
export const BINDINGS_VARIABLE = "MILLRACE_BINDINGS";

/** The environment variable that names the function's build. */
export const BUILD_VARIABLE = "MILLRACE_BUILD";

/** Where a system is: names, ARNs and URLs, by fields that the connector knows. Never a secret. */
export type Address = Readonly<Record<string, string>>;

/** What a stage's function is bound to: the names of the resources that the construct made for it. */
export interface Bindings {
  /** Which deployment of the pipeline this is: the stack's name. */
  readonly deployment: string;
  readonly stage: string;
  /** Raised by a replay or a restore. */
  readonly generation: number;
  readonly source: {
    /** What the stage reads from: "kinesis" between stages. */
    readonly connector: string;
    readonly address: Address;
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
  /** Where the sinks' systems are, by sink. */
  readonly sinks: Readonly<Record<string, Address>>;
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
  const textsOf = (field: string, of = bindings, within = ""): Address => {
    const texts = recordOf(of[field], within + field);
    return Object.fromEntries(Object.keys(texts).map((name) => [name, textOf(texts, name, `${within}${field}.`)]));
  };
  const sinks = recordOf(bindings["sinks"], "sinks");
  return {
    deployment: textOf(bindings, "deployment"),
    stage: textOf(bindings, "stage"),
    generation: numberOf(bindings, "generation"),
    source: {
      connector: textOf(source, "connector", "source."),
      address: textsOf("address", source, "source."),
      incarnation: numberOf(source, "incarnation", "source."),
      suspectAfterMillis: numberOf(source, "suspectAfterMillis", "source."),
    },
    table: textOf(bindings, "table"),
    bucket: textOf(bindings, "bucket"),
    deadLetterQueueUrl: textOf(bindings, "deadLetterQueueUrl"),
    tickQueueUrl: textOf(bindings, "tickQueueUrl"),
    tickQueues: textsOf("tickQueues"),
    shuffles: textsOf("shuffles"),
    sinks: Object.fromEntries(Object.keys(sinks).map((sink) => [sink, textsOf(sink, sinks, "sinks.")])),
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
