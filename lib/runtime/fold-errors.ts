import { poisonError, systemicError } from "../errors.ts";
import type { Position } from "../state/position.ts";
import { KILLED } from "./dead-letter.ts";
import type { IncomingRecord } from "./record.ts";

export const noEntry = (entry: string) =>
  poisonError({
    code: "shuffle/no-entry",
    message: `An element was sent to "${entry.split(">", 2).join(">")}", which this build's stage does not have.`,
    advice: "Deploy a build that has it until all of its elements are read; then redrive the letter.",
  });

export const killed = () =>
  poisonError({
    code: KILLED,
    message: "The process ended whenever it took this record: memory, time, or worse.",
  });

export const kills = (task: string, { position }: IncomingRecord, times: number) =>
  systemicError({
    code: "process/kills",
    message: `Task ${task}: ${times} records in a row kill the process, the last at ${position.sequence}.`,
    advice:
      'It is the build that is broken: deploy a mended one. See docs/operations.md, section "A task stands still".',
  });

export const recreated = (task: string, { position }: IncomingRecord, at: Position) =>
  systemicError({
    code: "source/recreated",
    message:
      `Task ${task}: record ${position.sequence} is below the task's position ` +
      `${at.sequence}, yet it arrived later than all that was folded.`,
    advice: "The stream was re-created: raise the source's incarnation in the construct and deploy.",
  });

export const afterSeal = (task: string, { position }: IncomingRecord, at: Position) =>
  systemicError({
    code: "reshard/after-seal",
    message: `Task ${task} was sealed at ${at.sequence}, and record ${position.sequence} comes after.`,
    advice: "The stream was re-created: raise the source's incarnation in the construct and deploy.",
  });
