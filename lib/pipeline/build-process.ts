import type { ProcessDefinition, ProcessFunction } from "../operators/process/process-function.ts";
import type { Builder } from "./builder.ts";
import { buildSide, buildStream } from "./build-stream.ts";
import { evolutionOf } from "./evolution.ts";
import { checkField } from "./names.ts";

type AnyProcessFunction = ProcessFunction<never, never, {}, {}, {}, Iterable<unknown>, Iterable<unknown>> & {
  readonly onOther?: (record: never, context: never) => unknown;
};

/**
 * Makes a process function of a keyed stream.
 *
 * @param other the node of the stream that it is connected with
 * @throws definition errors naming it
 */
export function buildProcess(
  builder: Builder,
  input: number,
  keyFields: readonly string[],
  name: string,
  process: AnyProcessFunction,
  other?: number,
) {
  const definition: ProcessDefinition = {
    state: checked(builder, name, "state", process?.state ?? {}, ["value", "list", "map", "reducing"]),
    timers: checked(builder, name, "timers", process?.timers ?? {}, ["timer"]),
    sides: checked(builder, name, "sides", process?.sides ?? {}, ["side"]),
    evolution: evolutionOf(`${builder.where}: process("${name}")`, process ?? {}),
    onRecord: builder.function("process", `${name}.onRecord`, process?.onRecord),
    onOther: other === undefined ? undefined : builder.function("process", `${name}.onOther`, process?.onOther),
    onTimer: process?.onTimer && builder.function("process", `${name}.onTimer`, process.onTimer),
  };
  const timers = Object.keys(definition.timers);
  if (timers.length > 0 && definition.onTimer === undefined) {
    throw builder.refuse(`process("${name}")`, `has a timer "${timers[0]!}" and no onTimer`, "Give it one.");
  }
  const node = builder.add({ kind: "process", name, input, other, keyFields, definition, was: process.was ?? [] });
  const sides = Object.keys(definition.sides).map((side) => [side, buildSide(builder, node, side, keyFields)]);
  return Object.defineProperty(buildStream(builder, node, keyFields), "side", { value: Object.fromEntries(sides) });
}

/** Checks what a process function declares: names, and that the library made what they name. */
function checked<D extends Readonly<Record<string, { readonly kind: string }>>>(
  builder: Builder,
  name: string,
  what: "state" | "timers" | "sides",
  declarations: D,
  kinds: readonly string[],
): D {
  for (const [field, declaration] of Object.entries(declarations)) {
    checkField(`${builder.where}: process("${name}").${what}`, field);
    if (!kinds.includes(declaration?.kind)) {
      throw builder.refuse(`process("${name}").${what}`, `has a "${field}" that is none`, ADVICE[what]);
    }
  }
  return declarations;
}

const ADVICE = {
  state: "Use value, list, map or reducing.",
  timers: "Use eventTime or processingTime.",
  sides: "Use side<Row>().",
};
