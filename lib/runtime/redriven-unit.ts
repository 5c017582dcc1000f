import { systemicError } from "../errors.ts";
import type { StoredUnit, Unit } from "../operators/operator.ts";
import type { StageInstance } from "../operators/program.ts";
import { decodeBody } from "../state/codec.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { IncomingRecord } from "./record.ts";

/** The record that a dead letter holds, as it came from its source; nothing when it holds another thing. */
export function recordIn({ kind, position, arrival, partitionKey, payload }: DeadLetter): IncomingRecord | undefined {
  if (kind !== "record") return undefined;
  return { position: position!, arrival: arrival!, partitionKey: partitionKey!, base64: payload! };
}

/**
 * The pane or timer that a dead letter holds, ready to be run again.
 *
 * @throws systemic errors `redrive/no-operator`, `state/corrupt`, `state/codec`, and the operator's own
 */
export function unitIn({ id, kind, unit }: DeadLetter, stage: StageInstance): Unit {
  const { operator, keyCode, about, codec, content } = unit!;
  const timed = stage.timed.find(({ name }) => name === operator);
  if (timed === undefined) {
    throw systemicError({
      code: "redrive/no-operator",
      message: `Dead letter ${id} holds a ${kind} of the operator "${operator}", which this build does not have.`,
      advice: "Deploy a build that has it, under this name, until the letter is redriven.",
    });
  }
  const decoded = decodeBody(Buffer.from(content, "base64"), codec, `Dead letter ${id}`);
  return timed.unitOf({ kind: kind as StoredUnit["kind"], keyCode, about, content: decoded });
}
