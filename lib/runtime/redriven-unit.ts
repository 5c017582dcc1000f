import { systemicError } from "../errors.ts";
import type { Pane } from "../operators/operator.ts";
import type { StageInstance, StageProgram } from "../operators/program.ts";
import { decodeBody } from "../state/codec.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { IncomingRecord } from "./record.ts";

/** The record that a dead letter holds, as it came from its source; nothing when it holds another thing. */
export function recordIn({ kind, position, arrival, partitionKey, payload }: DeadLetter): IncomingRecord | undefined {
  if (kind !== "record") return undefined;
  return { position: position!, arrival: arrival!, partitionKey: partitionKey!, base64: payload! };
}

/**
 * The closed window that a dead letter holds, ready to be emitted again.
 *
 * @throws systemic errors `redrive/no-operator`, `state/corrupt`, `state/codec`, `state/accumulator`
 */
export function paneIn({ id, window }: DeadLetter, stage: StageInstance, program: StageProgram): Pane {
  const { operator, start, keyCode, codec, accumulators } = window!;
  const timed = stage.timed.find(({ name }) => name === operator);
  if (timed === undefined) {
    throw systemicError({
      code: "redrive/no-operator",
      message: `Dead letter ${id} holds a window of the operator "${operator}", which this build does not have.`,
      advice: "Deploy a build that has it, under this name, until the letter is redriven.",
    });
  }
  const body = Buffer.from(accumulators, "base64");
  const values = decodeBody(body, codec, `Dead letter ${id}`);
  const tables = program.restore([[operator, { floor: start, dropped: [], put: [[start, [keyCode], [values]]] }]]);
  return timed.paneOf({ start, keyCode, accumulators: tables[0]![1].put[0]![2][0] as readonly unknown[] });
}
