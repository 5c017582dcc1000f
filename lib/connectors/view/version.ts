import { parseOutputId, parseTaskName } from "../../state/task-id.ts";

/** What an item keeps beside its columns, whose names never begin so. */
export const VERSION = "$version";
/** The output id of the row (X8). */
export const ID = "$id";
/** There on a tombstone alone. */
export const REMOVED = "$removed";
/** When a tombstone may go: epoch seconds, the table's time to live. */
export const EXPIRES = "$expires";

/** A value that is given as a version, as it sorts from the least 64 bit number. */
const OFFSET = 2n ** 63n;

/** A whole number that is not negative as a text: texts are in the order of their numbers. A letter says how many digits follow. */
export function orderedText(number: number | bigint): string {
  const digits = String(number);
  return String.fromCharCode(96 + digits.length) + digits;
}

/** Where a row comes from, and what came before it. */
export interface Origin {
  /** The beginning of the ids of all that may have written before without being asked: of one stage in one generation. */
  readonly writers: string;
  /** What all versions of its generation begin with; those of a lesser one are below it. */
  readonly generation: string;
  readonly version: string;
}

/**
 * The version of a row, as a text that is greater than those of all rows that are older.
 *
 * Of a view whose keys are each written by one lineage of tasks: (generation, incarnation, epoch, n). Of one with a version
 * of its own that comes after the generation, and what follows only tells rows of one version apart, always in the same way.
 *
 * @param value the row's own version; undefined where the view has none
 */
export function originOf(id: string, value: number | bigint | undefined): Origin {
  const { task, epoch, index } = parseOutputId(id);
  const { pipeline, generation: number, stage, source, incarnation } = parseTaskName(task);
  const generation = orderedText(number);
  const place = orderedText(epoch) + orderedText(index);
  return {
    writers: `${pipeline}:${number}:${stage}:${source}.`,
    generation,
    version:
      value === undefined
        ? generation + orderedText(incarnation) + place
        : `${generation}${orderedText(BigInt(value) + OFFSET)}${place}${task}`,
  };
}
