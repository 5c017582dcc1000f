import { keyGroupOf } from "../state/key-group.ts";
import { encodeField, encodeFields, type KeySpec, type KeyValue } from "../state/key.ts";
import { ElementCutter } from "./element-cutter.ts";
import { checkElementBytes, tracedElement } from "./element.ts";
import type { OperatorContext, Push } from "./operator.ts";

/** The end of a stage: sends values to the stage that has their key. */
export interface ShuffleSpec {
  /** The `keyBy`'s name. */
  readonly name: string;
  /** The stage that reads them. */
  readonly stage: string;
  readonly key: KeySpec<never>;
}

/** What makes the code of a value's key. It is user code: may throw, and throws the poison error `key/value`. */
export function keyCoder(spec: KeySpec<never>): (value: unknown) => string {
  const fields = Object.keys(spec);
  const [only] = fields;
  if (only !== undefined && fields.length === 1) return (value) => encodeField(only, spec[only]!(value as never));
  return (value) => {
    const values = new Array<KeyValue>(fields.length);
    for (let i = 0; i < fields.length; i++) values[i] = spec[fields[i]!]!(value as never);
    return encodeFields(fields, values);
  };
}

/** Takes each value's key, and sends the value to where the key's state is. */
export function shuffleOperator({ name, stage, key }: ShuffleSpec, context: OperatorContext): Push {
  const counts = context.state.counters.of(name);
  const keyCodeOf = keyCoder(key);
  const cutter = new ElementCutter(name);
  const [what, holder] = [`keyBy("${name}")`, `A value for keyBy("${name}")`];
  return (value, meta) => {
    context.enter(name);
    counts.in.add();
    const keyCode = keyCodeOf(value);
    const element = cutter.elementOf(keyGroupOf(keyCode), meta.time, keyCode, value, holder);
    checkElementBytes(element, what);
    context.send(stage, tracedElement(element, context.traces()));
    counts.folded.add();
    counts.sent.add();
  };
}
