import { systemicError } from "../../errors.ts";
import type { Misfit } from "./part-origins.ts";

/** Who wrote a state, for messages. */
export interface Writer {
  readonly task: string;
  readonly build: string;
}

/** The code of errors for state that a later version than this build's wrote. */
const NEWER = "state/newer";
const SHAPE = "state/shape";

const begins = (operator: string, { task, build }: Writer): string =>
  `Task ${task}: the state of operator "${operator}", written by build "${build}",`;

const deployIt = ({ build }: Writer): string => `Deploy build "${build}" or a later one.`;

/** For values that cannot become this build's. */
export const unfit = (operator: string, misfit: Misfit, writer: Writer) =>
  unfitOf(operator, begins(operator, writer), misfit, `build "${writer.build}"`);

/** For what cannot become this build's on its way from one stage to the next. */
export const unfitInFlight = (keyBy: string, operator: string, misfit: Misfit) =>
  unfitOf(
    operator,
    `What was aggregated for operator "${operator}" before keyBy("${keyBy}"), and is in the stream between their stages,`,
    misfit,
    "the build that sent it",
  );

function unfitOf(operator: string, whose: string, { isLater, problems, toDo }: Misfit, writer: string) {
  const message = `${whose} ${isLater ? "is of a later version than this build's" : "does not fit this build"}: ${problems.join("; ")}.`;
  if (isLater) return systemicError({ code: NEWER, message, advice: `Deploy ${writer} or a later one.` });
  const advice =
    toDo.length === 0
      ? `Nothing leads from one to the other: deploy the pipeline as it was, or give the operator another name and say dropped: ["${operator}"], or begin a new generation.`
      : `If ${writer} is the later one, deploy it. Else say what changed (docs/state-evolution.md): ${toDo.join("; ")}.`;
  return systemicError({ code: SHAPE, message, advice });
}

/** For state of an operator that this build's stage does not have. */
export const noOperator = (operator: string, writer: Writer) =>
  systemicError({
    code: SHAPE,
    message: `${begins(operator, writer)} is of no use to this build: its stage has no such operator.`,
    advice:
      `If build "${writer.build}" is the later one, deploy it. If the operator has another name now, give it ` +
      `was: ["${operator}"]; if its state is to go, give the pipeline dropped: ["${operator}"].`,
  });

/** For a `keyBy` that this build's stage does not have: what it sent may still be unread, and its stage has state. */
export const noShuffle = (keyBy: string, { task, build }: Writer) =>
  systemicError({
    code: SHAPE,
    message: `Task ${task}: build "${build}" sends to the stage "${keyBy}", and this build has no keyBy of that name.`,
    advice:
      `If build "${build}" is the later one, deploy it. A keyBy's name is its stage's and cannot change: begin a new ` +
      `generation, or give the pipeline dropped: ["${keyBy}"] if what that stage holds is to go.`,
  });

/** For an operator whose state a later build has dropped. */
export const droppedLater = (operator: string, writer: Writer) =>
  systemicError({
    code: NEWER,
    message: `${begins(operator, writer)} was dropped there, and this build has the operator.`,
    advice: `${deployIt(writer)} An operator that begins anew needs a name that was not dropped.`,
  });

/** For shapes that no build writes. */
export const notAsWritten = (operator: string, how: string, writer: Writer) =>
  systemicError({
    code: SHAPE,
    message: `${begins(operator, writer)} ${how}.`,
    advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
  });

export const noShape = (table: string, writer: Writer) => notAsWritten(table, "comes without its shape", writer);
