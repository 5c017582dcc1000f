import { poisonError } from "../../errors.ts";
import type { TimedOperator, Unit, UnitDescription } from "../../operators/operator.ts";
import type { StageProgram } from "../../operators/program.ts";
import { encodeKey } from "../../state/key.ts";
import type { Draws } from "./draws.ts";

/** Builds with this prefix throw on most records and windows. */
export const BROKEN = "broken-";

/** The share of records and windows on which a broken build throws. */
const BROKEN_SHARE = 0.9;

/** The reason's code of what a broken build threw on. */
export const BROKEN_BUILD = "simulation/broken-build";

/** Whether a build throws on a record (its sequence number), or on a window or timer ({@link unitName}). */
export const throwsIn = (draws: Draws, build: string, what: string): boolean =>
  build.startsWith(BROKEN) && draws.at(`${build} ${what}`, 0) < BROKEN_SHARE;

export const brokenBuild = () =>
  poisonError({ code: BROKEN_BUILD, message: "This build throws on most records and windows." });

/** An operator's window or timer of one key, as one text. */
export const unitName = (operator: string, keyCode: string, about: UnitDescription["about"]): string =>
  `${operator} ${keyCode} ${JSON.stringify(about)}`;

/** The same of a unit that is about to be run. */
export function nameOfUnit(unit: Unit): string {
  const { key, about } = unit.describe();
  return unitName(unit.operator, encodeKey(key), about);
}

/** The program as a build has it: a broken one throws on most windows and timers. */
export function builtProgram(program: StageProgram, build: string, draws: Draws): StageProgram {
  if (!build.startsWith(BROKEN)) return program;
  const breaking = (unit: Unit): Unit => {
    if (!throwsIn(draws, build, nameOfUnit(unit))) return unit;
    return {
      operator: unit.operator,
      describe: () => unit.describe(),
      run: () => {
        throw brokenBuild();
      },
    };
  };
  function* breakingAll(units: Iterable<Unit>): Generator<Unit> {
    for (const unit of units) yield breaking(unit);
  }
  const broken = (operator: TimedOperator): TimedOperator => ({
    name: operator.name,
    unitOf: (stored, from) => {
      const unit = operator.unitOf(stored, from);
      return unit && breaking(unit);
    },
    nextDue: () => operator.nextDue(),
    closeUpTo: (watermark) => breakingAll(operator.closeUpTo(watermark)),
    ...(operator.nextWake && { nextWake: () => operator.nextWake!() }),
    ...(operator.wakeUpTo && { wakeUpTo: (now) => breakingAll(operator.wakeUpTo!(now)) }),
  });
  return {
    ...program,
    bind: (context) => {
      const instance = program.bind(context);
      return { ...instance, timed: instance.timed.map(broken) };
    },
  };
}
