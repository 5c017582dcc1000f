import { definitionError, messageOf } from "../../errors.ts";
import type { DeadLetter } from "../../runtime/dead-letter.ts";
import type { KeyValue } from "../../state/key.ts";

/** @param what a pipeline has that goes by a name @param known the names that there are */
export const unknownName = (pipeline: string, what: string, name: string, known: readonly string[]) =>
  definitionError({
    code: "driver/unknown",
    message: `Pipeline "${pipeline}" has no ${what} "${name}".`,
    advice: known.length === 0 ? "It has none at all." : `It has ${known.join(", ")}.`,
  });

/** @param table undefined where a function is called */
export const noAnswer = (operator: string, key: KeyValue, table: string | undefined) =>
  definitionError({
    code: "driver/no-answer",
    message: `Operator "${operator}" looks up ${JSON.stringify(String(key))}${table === undefined ? "" : ` in the table "${table}"`}, and the driver looks nothing up by itself.`,
    advice: `Say what is found: driver.answer(${table === undefined ? `the handle of "${operator}"` : "the table"}, (key) => …).`,
  });

export const noHandle = (method: string) =>
  definitionError({
    code: "driver/handle",
    message: `${method} was given nothing that the pipeline is made of.`,
    advice: "Return the operator's stream where the pipeline is built, and take it from the pipeline's handles.",
  });

export const severalStages = (stages: readonly string[]) =>
  definitionError({
    code: "driver/stage",
    message: `The pipeline has several stages (${stages.join(", ")}), each with a watermark of its own.`,
    advice: "Name one by its source, or by the handle of an operator in it.",
  });

export const drained = (what: string) =>
  definitionError({
    code: "driver/drained",
    message: `${what}: the driver was drained, and event time has ended: every record would be late.`,
    advice: "Push all records first, or make another driver.",
  });

export const stopped = (cause: unknown) =>
  definitionError({
    code: "driver/stopped",
    message: `The driver stands still, as the task would, since it was stopped by: ${messageOf(cause)}`,
    advice: "Only what was read before is of use. Make another driver.",
    cause,
  });

export const otherKey = (operator: string, wanted: readonly string[], given: readonly string[]) =>
  definitionError({
    code: "driver/key",
    message: `Operator "${operator}" has keys of the fields (${wanted.join(", ")}), and was asked for one of (${given.join(", ")}).`,
  });

export const unwanted = ({ operator, kind, reason }: DeadLetter) =>
  definitionError({
    code: "driver/dead-letter",
    message: `A ${kind} became a dead letter in "${operator}" (${reason.code}): ${reason.message}`,
    advice: 'Where that is to be tested, leave out { deadLetters: "throw" } and read driver.deadLetters().',
  });
