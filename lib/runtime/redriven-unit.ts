import { noOperatorOfUnit } from "../operators/evolution/state-errors.ts";
import type { SetAside } from "../operators/evolution/stage-state.ts";
import type { StoredUnit, Unit } from "../operators/operator.ts";
import type { StageInstance, StageProgram } from "../operators/program.ts";
import { decodeBody } from "../state/codec.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { IncomingRecord } from "./record.ts";

/** The record that a dead letter holds, as it came from its source; nothing when it holds another thing. */
export function recordIn(letter: DeadLetter): IncomingRecord | undefined {
  const { kind, position, arrival, partitionKey, payload, partition, attached } = letter;
  if (kind !== "record") return undefined;
  const base64 = payload!;
  return { position: position!, arrival: arrival!, partitionKey: partitionKey!, base64, partition, attached };
}

/** The operator of this build whose pane or timer a dead letter holds; throws as {@link unitIn} does. */
export const operatorOfUnit = (letter: DeadLetter, program: StageProgram): string | undefined =>
  program.wayOfUnit(setAsideIn(letter))?.operator;

const setAsideIn = ({ id, kind, unit }: DeadLetter): SetAside => {
  const { operator, table = operator, shape } = unit!;
  return { letter: id, kind, operator, table, shape };
};

/**
 * The pane or timer that a dead letter holds, ready to be run again; nothing where this build has taken out what it is of.
 *
 * @throws systemic errors `redrive/no-operator`, `redrive/no-shape`, `state/shape`, `state/newer`, `state/corrupt`,
 *   `state/codec`, and the operator's own
 */
export function unitIn(letter: DeadLetter, program: StageProgram, stage: StageInstance): Unit | undefined {
  const { id, kind, unit } = letter;
  const { keyCode, about, codec, content } = unit!;
  const setAside = setAsideIn(letter);
  const way = program.wayOfUnit(setAside);
  if (way === undefined) return undefined;
  const timed = stage.timed.find(({ name }) => name === way.operator);
  if (timed === undefined) throw noOperatorOfUnit(setAside, false);
  const decoded = decodeBody(Buffer.from(content, "base64"), codec, `Dead letter ${id}`);
  return timed.unitOf({ kind: kind as StoredUnit["kind"], keyCode, about, content: decoded }, way.from);
}
