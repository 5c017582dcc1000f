import { poisonError } from "../errors.ts";
import { lengthOf, wholeText, type CutText } from "../state/cut-text.ts";
import { quoted } from "../state/quoted-text.ts";
import type { Traceparent } from "../state/traceparent.ts";

/**
 * What one value may take on its way to another stage, in bytes of UTF-8: a record of the internal stream holds 1 MiB. Its
 * traces, which are bounded, do not count: a value is not refused because somebody traces it.
 */
export const MAX_ELEMENT_BYTES = 900 * 1_024;

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
): string => `${group} ${entry} [${time},${quoted(keyCode)},${value}]`;

/** An element's text with its traces after the value, where it has any: who does not know them passes them by. */
export const tracedText = (text: string, traces: readonly Traceparent[]): string =>
  traces.length === 0 ? text : `${text.slice(0, -1)},${JSON.stringify(traces)}]`;

/** The same of an element that may be cut: with traces it is whole, as these are one thing more that elements do not share. */
export const tracedElement = (element: string | CutText, traces: readonly Traceparent[]): string | CutText =>
  traces.length === 0 ? element : tracedText(typeof element === "string" ? element : wholeText(element), traces);

/** Stands in the place of a key group for what goes to every partition. */
export const FOR_ALL = "*";

/** Whether a text is small enough to be sent: a UTF-16 unit takes at most three bytes, so that most need no counting. */
export const isElement = (body: string | CutText): boolean =>
  lengthOf(body) * 3 <= MAX_ELEMENT_BYTES || bytesOf(body) <= MAX_ELEMENT_BYTES;

/** Bytes of UTF-8. */
export const bytesOf = (body: string | CutText): number =>
  Buffer.byteLength(typeof body === "string" ? body : wholeText(body));

/** @param what is sent @throws poison error `shuffle/too-large` */
export function checkElementBytes(body: string | CutText, what: string): void {
  if (isElement(body)) return;
  throw poisonError({
    code: "shuffle/too-large",
    message: `A value for ${what} takes ${bytesOf(body)} bytes; ${MAX_ELEMENT_BYTES} are possible.`,
    advice: "Leave out with .map() what the next stage does not need.",
  });
}
