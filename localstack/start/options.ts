import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface Options {
  /** A folder of `functions/`. */
  readonly pipeline: string;
  /** How many events to push; without it the demo's own default. */
  readonly events?: number;
  readonly shards?: number;
  /** Events per second; without it as many as the stack takes. */
  readonly rate?: number;
  readonly faults: boolean;
  readonly seed: number;
  /** Whether shards are split and merged while events are pushed. */
  readonly reshard: boolean;
  /** The most events of a record, which the producer library packs; without it each is a record. */
  readonly pack?: number;
  /** How many events to give a trace, whose paths are printed. */
  readonly trace?: number;
  readonly keep: boolean;
  readonly help: boolean;
}

/** A command line that cannot be followed; the message says why and what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const DEFAULT_PIPELINE = "aggregate-flight-delays";

export const HELP = `Millrace: event-time stream processing on AWS Lambda, here on your own machine.

  npm start -- [options]

Bundles a pipeline and synthesizes its CloudFormation template, starts what the template
describes (Kinesis, Lambda, DynamoDB, SQS, Firehose, S3) as local processes, pushes real events,
ends the input, reads the Parquet results back with SQL and compares every row with an answer
that DuckDB computes from the source data alone. Nothing is sent to AWS, no credentials are read.

  --pipeline NAME   a folder of functions/                       [${DEFAULT_PIPELINE}]
  --events N        how many events to push       [flights: 100,000, up to 3,000,000]
  --shards N        shards of the stream, 1 to 32                          [flights: 2]
  --rate N          events a second                  [as fast as the stack takes them]
  --faults          kill workers, fail, repeat and delay sinks, cut and repeat batches,
                    throttle the table and lose its answers, map the stream twice
  --seed N          the seed that faults are drawn from                               [1]
  --reshard         split and merge shards while the events are pushed
  --pack N          pack up to N events in a record, compressed       [1 to 10,000]
  --trace N         give N events a trace, and print their paths        [1 to 100]
  --keep            leave the stack up at the end, with its endpoints; Ctrl-C ends it
  --help            this text

Exit code 0: every event is accounted for and every row is right. 1: something is not; the report
says what. 2: the command line is wrong. 130: Ctrl-C.

  npm start
  npm start -- --faults --seed 7
  npm start -- --reshard
  npm start -- --events 1,000,000 --shards 4
  npm start -- --pipeline track-earthquakes
`;

const OPTIONS = {
  pipeline: { type: "string" },
  events: { type: "string" },
  shards: { type: "string" },
  rate: { type: "string" },
  seed: { type: "string" },
  pack: { type: "string" },
  trace: { type: "string" },
  faults: { type: "boolean" },
  reshard: { type: "boolean" },
  keep: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const { tokens, values } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind === "positional") throw new UsageError(`"${token.value}" is not an option.${after(token.value)}`);
    if (token.kind !== "option") continue;
    const known = Object.hasOwn(OPTIONS, token.name) ? OPTIONS[token.name as keyof typeof OPTIONS] : undefined;
    if (known === undefined) throw new UsageError(`There is no option ${token.rawName}. See --help.`);
    if (known.type === "string" && (token.value === undefined || token.value === "" || token.value.startsWith("--"))) {
      throw new UsageError(
        `${token.rawName} wants a value: ${token.rawName} ${token.name === "pipeline" ? DEFAULT_PIPELINE : "1000"}`,
      );
    }
    if (known.type === "boolean" && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value.`);
    if (seen.has(token.name)) throw new UsageError(`${token.rawName} was given twice.`);
    seen.add(token.name);
  }
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const events = whole("events", text("events"), 1, Number.MAX_SAFE_INTEGER);
  const shards = whole("shards", text("shards"), 1, 32);
  const rate = whole("rate", text("rate"), 1, 1_000_000);
  const pack = whole("pack", text("pack"), 1, 10_000);
  if (pack !== undefined && rate !== undefined) throw new UsageError("--pack and --rate do not go together.");
  const trace = whole("trace", text("trace"), 1, 100);
  const pipeline = text("pipeline") ?? DEFAULT_PIPELINE;
  if (!/^[a-z][a-z0-9-]*$/.test(pipeline))
    throw new UsageError(`--pipeline is the name of a folder of functions/, not "${pipeline}".`);
  if (seen.has("seed") && values["faults"] !== true)
    throw new UsageError("--seed is the seed of the faults: give --faults too.");
  return {
    pipeline,
    ...(events === undefined ? {} : { events }),
    ...(shards === undefined ? {} : { shards }),
    ...(rate === undefined ? {} : { rate }),
    ...(pack === undefined ? {} : { pack }),
    ...(trace === undefined ? {} : { trace }),
    faults: values["faults"] === true,
    seed: whole("seed", text("seed"), 0, 2 ** 32 - 1) ?? 1,
    reshard: values["reshard"] === true,
    keep: values["keep"] === true,
    help: values["help"] === true,
  };
}

const after = (value: string): string => (/^\d/.test(value) ? ` Did you mean --events ${value}?` : " See --help.");

function whole(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d[\d_,]*$/.test(text) ? Number(text.replaceAll(/[_,]/g, "")) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const upTo = most === Number.MAX_SAFE_INTEGER ? ` or more` : ` to ${most.toLocaleString("en-US")}`;
  throw new UsageError(`--${name} is a whole number, ${least}${upTo}, not "${text}".`);
}
