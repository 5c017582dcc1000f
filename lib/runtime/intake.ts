import type { TaskState } from "../state/task-state.ts";
import { BEFORE_ALL_TIME } from "../time/instant.ts";
import type { DecodedRecord, IncomingRecord, RecordDecoder } from "./record.ts";

/** A decoded value, and where in the stage it enters: the name of the source, or of the `keyBy` it comes through. */
export interface Entering extends DecodedRecord {
  readonly entry: string;
}

/** What is folded or set aside as a whole (X7): a record, or one of the elements packed in it. */
export interface IncomingUnit {
  /** Throws poison errors for what it cannot make sense of. */
  readonly open: () => Entering;
  /** How many records of the source it stands for. */
  readonly records: number;
  /** It alone, as a record: for its dead letter. */
  readonly record: () => IncomingRecord;
}

/** How records become values, and how event time follows from them. Pure but for the state given. */
export interface Intake {
  readonly kind: "source" | "shuffle";
  /** What of a record is to be folded; what came before is noted and left out (X8). */
  unitsOf(record: IncomingRecord, state: TaskState): readonly IncomingUnit[];
  /** The same of a dead letter's record, whatever came before. */
  unitsOfLetter(record: IncomingRecord): readonly IncomingUnit[];
  /** Takes note of a record that is set aside unseen. */
  skip(record: IncomingRecord, state: TaskState): void;
  /** How far event time is after a unit of this time. */
  watermarkOf(time: number): number;
  /** How far event time is after all that is known. */
  watermarkIn(state: TaskState): number;
  /** Whether those that are read from have said that they have nothing; a source is asked itself. */
  isSilent(state: TaskState): boolean;
  /** Names of the stages that are read from and that have not announced themselves. */
  missingIn(state: TaskState): readonly string[];
}

/** Records of a source: one unit each; event time follows the largest of theirs. @param disorder milliseconds */
export const sourceIntake = (source: string, decode: RecordDecoder, disorder: number): Intake => ({
  kind: "source",
  unitsOf: (record) => [unitOf(source, decode, record)],
  unitsOfLetter: (record) => [unitOf(source, decode, record)],
  skip: () => undefined,
  watermarkOf: (time) => time - disorder,
  watermarkIn: () => BEFORE_ALL_TIME,
  isSilent: () => true,
  missingIn: () => [],
});

const unitOf = (entry: string, decode: RecordDecoder, record: IncomingRecord): IncomingUnit => ({
  open: () => ({ entry, ...decode(record) }),
  records: 1,
  record: () => record,
});
