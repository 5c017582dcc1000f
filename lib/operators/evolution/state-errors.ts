import { systemicError } from "../../errors.ts";
import type { Misfit } from "./part-origins.ts";
import type { SetAside } from "./stage-state.ts";

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

/** For a pane or a timer in a dead letter that cannot become this build's. */
export const unfitUnit = ({ letter, kind, operator }: SetAside, misfit: Misfit) =>
  unfitOf(
    operator,
    `Dead letter ${letter} holds a ${kind} of operator "${operator}", which`,
    misfit,
    "the build that set it aside",
  );

function unfitOf(operator: string, whose: string, { isLater, problems, advice: steps }: Misfit, writer: string) {
  const message = `${whose} ${isLater ? "is of a later version than this build's" : "does not fit this build"}: ${problems.join("; ")}.`;
  if (isLater) return systemicError({ code: NEWER, message, advice: `Deploy ${writer} or a later one.` });
  const advice =
    steps.length === 0
      ? `Nothing leads from one to the other: deploy the pipeline as it was, or give the operator another name and say dropped: ["${operator}"], or begin a new generation.`
      : `If ${writer} is the later one, deploy it. Else say what changed (docs/state-evolution.md): ${steps.join("; ")}.`;
  return systemicError({ code: SHAPE, message, advice });
}

/** For state of an operator that this build's stage does not have. @param isElsewhere whether the pipeline has its name */
export const noOperator = (operator: string, isElsewhere: boolean, writer: Writer) =>
  systemicError({
    code: SHAPE,
    message: `${begins(operator, writer)} is of no use to this build: its stage has no such operator${isElsewhere ? ELSEWHERE : ""}.`,
    advice: `If build "${writer.build}" is the later one, deploy it. ${adviceOf(operator, isElsewhere)}`,
  });

/** For a pane or a timer in a dead letter, of an operator that this build's stage does not have. */
export const noOperatorOfUnit = ({ letter, kind, operator }: SetAside, isElsewhere: boolean) =>
  systemicError({
    code: "redrive/no-operator",
    message: `Dead letter ${letter} holds a ${kind} of operator "${operator}", and this build's stage has no such operator${isElsewhere ? ELSEWHERE : ""}.`,
    advice: `Deploy a build that has it until the letter is redriven. ${adviceOf(operator, isElsewhere)}`,
  });

/** For a pane or a timer whose dead letter does not say what it is made of: it might be taken for another thing. */
export const noShapeOfUnit = ({ letter, kind, operator }: SetAside) =>
  systemicError({
    code: "redrive/no-shape",
    message: `Dead letter ${letter} holds a ${kind} of operator "${operator}", and does not say in which shape.`,
    advice:
      "A version of Millrace wrote it that did not note that: redrive it with that version. If it is to go, give the " +
      `pipeline dropped: ["${operator}"], or delete the message.`,
  });

const ELSEWHERE = ", and another part of the pipeline has its name: one of another stage, or one that keeps nothing";

/** An operator that is elsewhere was moved, and state does not move from one stage's tasks to another's. */
const adviceOf = (operator: string, isElsewhere: boolean): string =>
  isElsewhere
    ? "State does not move from one stage to another: put the operator back where it was, or let it begin anew there, " +
      `under a name that neither is nor was "${operator}", and give the pipeline dropped: ["${operator}"].`
    : `If the operator has another name now, give it was: ["${operator}"]; if its state is to go, give the pipeline ` +
      `dropped: ["${operator}"].`;

/** For a `keyBy` or broadcast that this build's stage does not have: what it sent may be unread, and who read it has state. */
export const noShuffle = (name: string, { task, build }: Writer) =>
  systemicError({
    code: SHAPE,
    message: `Task ${task}: build "${build}" sends through "${name}", and this build has no keyBy or broadcast of that name.`,
    advice:
      `If build "${build}" is the later one, deploy it. Such a name cannot change: ` +
      `begin a new generation, or give the pipeline dropped: ["${name}"] if what was sent through it is to go.`,
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
