import { poisonError } from "../errors.ts";
import { keyGroupOf } from "../state/key-group.ts";
import { encodeField, encodeFields, type KeySpec } from "../state/key.ts";
import type { Traceparent } from "../state/traceparent.ts";
import { encodeValue } from "../state/value-text.ts";
import type { OperatorContext, Push } from "./operator.ts";

/**
 * What one value may take on its way to another stage, in bytes of UTF-8: a record of the internal stream holds 1 MiB. Its
 * traces, which are bounded, do not count: a value is not refused because somebody traces it.
 */
export const MAX_ELEMENT_BYTES = 900 * 1_024;

/** The end of a stage: sends values to the stage that has their key. */
export interface ShuffleSpec {
  /** The `keyBy`'s name. */
  readonly name: string;
  /** The stage that reads them. */
  readonly stage: string;
  readonly key: KeySpec<never>;
}

/**
 * An element's text in a commit: its key group and where it enters the next stage, by which it is packed, and `[time, key code, value]`:
 * `17 by-carrier [1000,"sAA",{"delay":3}]`.
 */
export const elementText = (
  group: number | typeof FOR_ALL,
  entry: string,
  time: number,
  keyCode: string,
  value: string,
): string => `${group} ${entry} [${time},${JSON.stringify(keyCode)},${value}]`;

/** An element's text with its traces after the value, where it has any: who does not know them passes them by. */
export const tracedText = (text: string, traces: readonly Traceparent[]): string =>
  traces.length === 0 ? text : `${text.slice(0, -1)},${JSON.stringify(traces)}]`;

/** Stands in the place of a key group for what goes to every partition. */
export const FOR_ALL = "*";

/** Whether a text is small enough to be sent: a UTF-16 unit takes at most three bytes, so that most need no counting. */
export const isElement = (body: string): boolean =>
  body.length * 3 <= MAX_ELEMENT_BYTES || Buffer.byteLength(body) <= MAX_ELEMENT_BYTES;

/** @param what is sent @throws poison error `shuffle/too-large` */
export function checkElementBytes(body: string, what: string): void {
  if (isElement(body)) return;
  throw poisonError({
    code: "shuffle/too-large",
    message: `A value for ${what} takes ${Buffer.byteLength(body)} bytes; ${MAX_ELEMENT_BYTES} are possible.`,
    advice: "Leave out with .map() what the next stage does not need.",
  });
}

/** What makes the code of a value's key. It is user code: may throw, and throws the poison error `key/value`. */
export function keyCoder(spec: KeySpec<never>): (value: unknown) => string {
  const fields = Object.keys(spec);
  const [only] = fields;
  if (only !== undefined && fields.length === 1) return (value) => encodeField(only, spec[only]!(value as never));
  return (value) => encodeFields(fields, (field) => spec[field]!(value as never));
}

/** Takes each value's key, and sends the value to where the key's state is. */
export function shuffleOperator({ name, stage, key }: ShuffleSpec, context: OperatorContext): Push {
  const counts = context.state.counters.of(name);
  const keyCodeOf = keyCoder(key);
  return (value, meta) => {
    context.enter(name);
    counts.in.add();
    const keyCode = keyCodeOf(value);
    const text = encodeValue(value, `A value for keyBy("${name}")`);
    const body = elementText(keyGroupOf(keyCode), name, meta.time, keyCode, text);
    checkElementBytes(body, `keyBy("${name}")`);
    context.send(stage, tracedText(body, context.traces()));
    counts.folded.add();
    counts.sent.add();
  };
}
