import type { TaskState } from "../state/task-state.ts";
import type { Traceparent } from "../state/traceparent.ts";
import { BEFORE_ALL_TIME } from "../time/instant.ts";
import type { DecodedRecord, IncomingRecord, RecordFormat } from "./record.ts";
import { eachSourceUnit } from "./source-units.ts";

/** What a unit holds, and what it is traced by, where it is. */
export interface Opened extends DecodedRecord {
  readonly traces?: readonly Traceparent[];
}

/** What is folded or set aside as a whole (X7): a record, or one of the elements packed in it. */
export interface IncomingUnit {
  /** Where in the stage it enters: the name of the source, or of the `keyBy` it comes through. */
  readonly entry: string;
  /** How many records of the source it stands for. */
  readonly records: number;
  /** Throws poison errors for what it cannot make sense of. */
  open(): Opened;
  /** It alone, as a record: for its dead letter. */
  record(): IncomingRecord;
}

/** How records become values, and how event time follows from them. Pure but for the state given. */
export interface Intake {
  readonly kind: "source" | "shuffle";
  /** Fetches what records need to be opened, before they are. Throws infrastructure and systemic errors. */
  prepare?(records: readonly IncomingRecord[]): Promise<void>;
  /** Has all of a record folded that is to be; what came before is noted and left out (X8). @returns how many units */
  eachUnit(record: IncomingRecord, state: TaskState, fold: (unit: IncomingUnit) => void): number;
  /** The units of a dead letter's record, whatever came before. */
  unitsOfLetter(record: IncomingRecord): readonly IncomingUnit[];
  /** Takes note of a record that is set aside unseen. */
  skip(record: IncomingRecord, state: TaskState): void;
  /** Milliseconds by which event time is behind that of a unit; infinite where units say nothing of it. */
  readonly disorder: number;
  /** How far event time is after all that is known. */
  watermarkIn(state: TaskState): number;
  /** Whether those that are read from have said that they have nothing; a source is asked itself. */
  isSilent(state: TaskState): boolean;
  /** Names of the stages that are read from and that have not announced themselves. */
  missingIn(state: TaskState): readonly string[];
}

/** What a source says of a record's trace. User code. */
export type TraceOf = (record: never) => string | undefined;

/**
 * Records of a source: one unit for each event that they hold; event time follows the largest of theirs.
 *
 * @param disorder milliseconds
 * @param trace nothing where records are not traced
 */
export function sourceIntake(source: string, format: RecordFormat, disorder: number, trace?: TraceOf): Intake {
  const how = { source, format, trace };
  return {
    kind: "source",
    ...(format.prepare && { prepare: format.prepare }),
    eachUnit: (record, state, fold) => eachSourceUnit(how, record, state, fold),
    unitsOfLetter(record) {
      const units: IncomingUnit[] = [];
      eachSourceUnit(how, record, undefined, (unit) => units.push(unit));
      return units;
    },
    skip: () => undefined,
    disorder,
    watermarkIn: () => BEFORE_ALL_TIME,
    isSilent: () => true,
    missingIn: () => [],
  };
}
