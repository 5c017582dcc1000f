import { poisonError } from "../errors.ts";
import { lengthOf, wholeText, type CutText } from "../state/cut-text.ts";
import type { KeyValues } from "../state/key.ts";
import type { OperatorContext, Push } from "./operator.ts";

/** The part of a sink that works inside the fold: a value becomes the text that will be delivered. */
export interface SinkEncoder {
  readonly name: string;
  /** Pure. Throws poison errors for values that do not fit. @param key that the value is of, where it has one */
  readonly encode: (value: never, key?: KeyValues) => string;
  /** The same, with its values apart; of sinks whose texts have them between names. */
  readonly cut?: ((value: never, key?: KeyValues) => CutText) | undefined;
  /** What one output may take, in bytes of UTF-8, its id included. */
  readonly maxBytes: number;
}

/** Bytes that are kept free for an output's id. */
const ID_BYTES = 512;

/** The end of a chain: makes outputs of values, and finds what a sink would refuse before the commit (X7). */
export function sinkOperator(sink: SinkEncoder, context: OperatorContext): Push {
  const encode = sink.encode as (value: unknown, key: KeyValues) => string;
  const cut = sink.cut as ((value: unknown, key: KeyValues) => CutText) | undefined;
  const largest = sink.maxBytes - ID_BYTES;
  const counts = context.state.counters.of(sink.name);
  return (value, { key }) => {
    context.enter(sink.name);
    counts.in.add();
    const body = cut === undefined ? encode(value, key) : cut(value, key);
    // A character takes at most three bytes per UTF-16 unit: most rows need no counting.
    if (lengthOf(body) * 3 > largest) checkBytes(sink.name, typeof body === "string" ? body : wholeText(body), largest);
    context.send(sink.name, body);
    counts.folded.add();
  };
}

function checkBytes(sink: string, body: string, largest: number): void {
  const bytes = Buffer.byteLength(body);
  if (bytes <= largest) return;
  throw poisonError({
    code: "sink/too-large",
    message: `A row for the sink "${sink}" takes ${bytes} bytes; ${largest} are possible.`,
  });
}
