import { MillraceError } from "../../lib/errors.ts";
import { parsePack } from "../../lib/runtime/shuffle/pack.ts";
import { decodeKey, type KeyValue } from "../../lib/state/key.ts";

/** What a dead letter of a later stage holds: a value that another stage sent to it, or what it had aggregated of several. */
export interface LetterElement {
  /** The output that carried it: `task@epoch#n`. */
  readonly sent: string;
  /** Where it enters the stage: a `keyBy`, and after `>` the window that it was aggregated for. */
  readonly entry: string;
  /** The key's values, in the order of its fields. */
  readonly key: readonly KeyValue[];
  readonly time: number;
  readonly value: unknown;
}

/** The elements of a payload that comes from an internal stream; nothing for any other. */
export function elementsIn(payload: Buffer): readonly LetterElement[] | undefined {
  try {
    const pack = parsePack(payload.toString("utf8"));
    if (pack.kind !== "elements") return undefined;
    const { producer, epoch, entry, elements } = pack;
    return elements.map(({ index, time, keyCode, value }) => {
      return { sent: `${producer}@${epoch}#${index}`, entry, key: keyIn(keyCode), time, value };
    });
  } catch (thrown) {
    // A source's record, or what this version does not know: it is shown as it is.
    if (thrown instanceof MillraceError || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** A key's values out of its code, which has no names: of one field the value, of several an array. */
function keyIn(keyCode: string): readonly KeyValue[] {
  const fields = keyCode.startsWith("[") ? (JSON.parse(keyCode) as string[]).map((_, i) => `${i}`) : ["0"];
  return Object.values(decodeKey(fields, keyCode));
}
