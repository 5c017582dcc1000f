import type { StateShapes } from "../../state/commit.ts";
import type { RangeFloor } from "../../state/inheritance.ts";
import type { StateContent } from "../../state/structure.ts";
import type { TableDeltas, TaskHeader } from "../../state/task-state.ts";
import { operatorOfTable, shuffleTableOf, type TableDescription } from "../stateful.ts";
import { isMisfit, originsOf, type PartOrigins } from "./part-origins.ts";
import { blanklessText, shapeIn, shapeText } from "./state-shape.ts";
import {
  droppedLater,
  noOperator,
  noShape,
  noShuffle,
  notAsWritten,
  unfit,
  unfitInFlight,
  type Writer,
} from "./state-errors.ts";

/** What a build says of operators that are not what they were. */
export interface Successions {
  /** By the name that an operator had, the one it has. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Operators whose state goes. */
  readonly dropped: ReadonlySet<string>;
}

/** A stored state as this build has it. */
export interface RestoredState {
  readonly header: TaskHeader;
  readonly tables: TableDeltas;
  /** Whether it was written in another form. */
  readonly isMigrated: boolean;
}

/** Stands in shapes for an operator that was dropped: a build that still has it must not begin it anew. */
const DROPPED = "dropped";

/** How the tables of another build, by their names there, become this one's; nothing for what goes. */
type Ways = Map<string, { readonly table: TableDescription; readonly from: PartOrigins | undefined } | undefined>;

/**
 * The state of a stage's operators, as builds that follow on each other write it.
 *
 * Each commit and checkpoint says the shapes of its tables. What another build wrote becomes this build's by a function of
 * each entry alone, so that it does not matter whether it comes as a whole state, or as the delta of a commit that another
 * build put on a state that was migrated already.
 */
export class StageState {
  readonly #tables: ReadonlyMap<string, TableDescription>;
  readonly #successions: Successions;
  /** What commits say of this build's tables. */
  readonly shapes: StateShapes;

  constructor(tables: readonly TableDescription[], successions: Successions) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
    this.#successions = successions;
    const shapes = tables.map(({ name, shape }) => [name, shapeText(shape)] as const);
    this.shapes = Object.fromEntries([...[...successions.dropped].map((name) => [name, DROPPED] as const), ...shapes]);
  }

  /**
   * Checks what comes out of storage, and makes it this build's.
   *
   * @throws systemic errors: `state/newer` for what a later version wrote, `state/shape` for what nothing leads from,
   *   and the operators' own
   */
  restore({ shapes, header, tables }: StateContent, writer: Writer): RestoredState {
    const ways: Ways = new Map();
    for (const [name, text] of Object.entries(shapes)) this.#addWay(ways, name, text, writer);
    const isMigrated = [...ways].some(
      ([name, way]) => way === undefined || way.table.name !== name || way.from !== undefined,
    );
    const restored = tables.flatMap(([name, delta]): TableDeltas => {
      if (name.startsWith("$")) return [[name, delta]]; // the task's own, and no operator's
      if (!ways.has(name)) throw noShape(name, writer);
      const way = ways.get(name);
      return way === undefined ? [] : [[way.table.name, way.table.restore(delta, way.from)]];
    });
    return { header: isMigrated ? this.#headerOf(header, ways) : header, tables: restored, isMigrated };
  }

  /**
   * Checks that state of these shapes can become this build's, whatever it holds.
   *
   * @throws as {@link restore} does
   */
  check(shapes: StateShapes, writer: Writer): void {
    const ways: Ways = new Map();
    for (const [name, text] of Object.entries(shapes)) this.#addWay(ways, name, text, writer);
  }

  /**
   * How what was aggregated for a window before a shuffle, by whichever build, becomes this one's.
   *
   * @param shape the window's where it was aggregated, as `blanklessText` has it
   * @returns undefined where the stage has no such operator
   * @throws systemic errors `state/newer`, `state/shape`
   */
  wayOfPartials(
    keyBy: string,
    window: string,
    shape: string,
  ): { readonly operator: string; readonly from: PartOrigins | undefined } | "dropped" | undefined {
    const { renamed, dropped } = this.#successions;
    if (dropped.has(window)) return "dropped";
    const operator = renamed.get(window) ?? window;
    const table = this.#tables.get(operator);
    if (table === undefined) return undefined;
    if (shape === blanklessText(table.shape)) return { operator, from: undefined };
    const theirs = shapeIn(shape);
    if (theirs === undefined) return undefined;
    const from = originsOf(table.shape, theirs);
    if (isMisfit(from)) throw unfitInFlight(keyBy, window, from);
    return { operator, from };
  }

  #addWay(ways: Ways, name: string, text: string, writer: Writer): void {
    const { renamed, dropped } = this.#successions;
    const operator = operatorOfTable(name);
    if (text === DROPPED) {
      if (this.#tables.has(name) || renamed.has(name)) throw droppedLater(name, writer);
      return;
    }
    if (dropped.has(operator)) return void ways.set(name, undefined);
    const table = this.#tables.get((renamed.get(operator) ?? operator) + name.slice(operator.length));
    if (table === undefined)
      throw name === shuffleTableOf(operator) ? noShuffle(operator, writer) : noOperator(operator, writer);
    if ([...ways.values()].some((way) => way?.table === table)) throw notAsWritten(operator, "is stored twice", writer);
    if (text === shapeText(table.shape)) return void ways.set(name, { table, from: undefined });
    const theirs = shapeIn(text);
    if (theirs === undefined) throw notAsWritten(operator, `has a shape that no build writes, «${text}»`, writer);
    const from = originsOf(table.shape, theirs);
    if (isMisfit(from)) throw unfit(operator, from, writer);
    ways.set(name, { table, from });
  }

  /** What a header says of operators, by their names in this build. */
  #headerOf({ counters, floors, ...rest }: TaskHeader, ways: Ways): TaskHeader {
    const { renamed } = this.#successions;
    return {
      ...rest,
      counters: counters.map(([name, n]) => {
        const [operator, field] = name.split(" ") as [string, string];
        return [`${renamed.get(operator) ?? operator} ${field}` as typeof name, n];
      }),
      // A window that was closed stays closed under its new name.
      floors: floors.map(({ tables, ...range }): RangeFloor => {
        const kept = Object.entries(tables).flatMap(([name, floor]) => {
          const table = ways.get(name)?.table.name;
          return table === undefined ? [] : [[table, floor] as const];
        });
        return { ...range, tables: Object.fromEntries(kept) };
      }),
    };
  }
}
