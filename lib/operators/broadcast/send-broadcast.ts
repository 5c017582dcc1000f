import { hashOf } from "../../state/hash-range.ts";
import { encodeKey } from "../../state/key.ts";
import { encodeValue } from "../../state/value-text.ts";
import type { OperatorContext, Push } from "../operator.ts";
import { trailing } from "../operator-watermark.ts";
import { checkElementBytes, elementText, FOR_ALL, tracedText } from "../element.ts";
import { KEY_FIELD, tooLate, type BroadcastSpec } from "./broadcast.ts";

/** Hexadecimal digits of a value's hash that decide among values of one key and time. */
const TIE_DIGITS = 16;

/**
 * The end of a stage: sends each value to every task of the stages that read it, as `[version, tie, value]`, without a
 * value for a removal.
 *
 * @param stages that read it
 * @param delay milliseconds by which values come after their event time
 */
export function sendBroadcast(
  spec: BroadcastSpec,
  stages: readonly string[],
  delay: number,
  context: OperatorContext,
): Push {
  const { name, key, removes, keepRemoved, version } = spec;
  const counts = context.state.counters.of(name);
  return (value, { time }) => {
    context.enter(name);
    counts.in.add();
    const keyCode = encodeKey({ [KEY_FIELD]: key(value as never) });
    // Who has forgotten a removal would take what it removed for new.
    if (removes !== undefined && time <= trailing(context.state.watermark, delay) - keepRemoved) {
      throw tooLate(spec);
    }
    const text =
      removes?.(value as never) === true ? undefined : encodeValue(value, `A value for broadcast("${name}")`);
    const tie = text === undefined ? "" : hashOf(text).slice(0, TIE_DIGITS);
    const content = `[${version},"${tie}"${text === undefined ? "" : `,${text}`}]`;
    const body = elementText(FOR_ALL, name, time, keyCode, content);
    checkElementBytes(body, `broadcast("${name}")`);
    for (const stage of stages) context.send(stage, tracedText(body, context.traces()));
    counts.folded.add();
    counts.sent.add(stages.length);
  };
}
