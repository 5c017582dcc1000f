import type { StateShapes } from "../../state/commit.ts";
import type { HeldTrace } from "../../state/held-traces.ts";
import type { RangeFloor } from "../../state/inheritance.ts";
import type { TableDelta } from "../../state/keyed-table.ts";
import { RunDelta } from "../../state/run-delta.ts";
import type { StateContent } from "../../state/structure.ts";
import type { TableDeltas, TaskHeader } from "../../state/task-state.ts";
import { operatorOfTable, shuffleTableOf, type TableDescription } from "../stateful.ts";
import { isMisfit, originsOf, type Misfit, type PartOrigins } from "./part-origins.ts";
import { blanklessText, shapeIn, shapeText, type EvolvingShape } from "./state-shape.ts";
import {
  droppedLater,
  noOperator,
  noOperatorOfUnit,
  noShape,
  noShapeOfUnit,
  noShuffle,
  notAsWritten,
  unfit,
  unfitInFlight,
  unfitUnit,
  type Writer,
} from "./state-errors.ts";

/** What a build says of operators that are not what they were. */
export interface Successions {
  /** By the name that an operator had, the one it has. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Operators whose state goes. */
  readonly dropped: ReadonlySet<string>;
  /** Of everything in the pipeline, in whichever stage. */
  readonly names: ReadonlySet<string>;
}

/** How values of another build become this one's. */
export interface OperatorWay {
  /** The operator's name in this build. */
  readonly operator: string;
  /** Nothing where this version wrote them. */
  readonly from: PartOrigins | undefined;
}

/** A pane or a timer in a dead letter. */
export interface SetAside {
  /** The letter's id. */
  readonly letter: string;
  readonly kind: string;
  /** As the build that set it aside calls it. */
  readonly operator: string;
  /** The table it came out of, and its shape; no shape in letters that say none. */
  readonly table: string;
  readonly shape: string | undefined;
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

/** What another version says of entries that are new need not be so in what became of them. */
const withoutNews = (delta: TableDelta, from: PartOrigins | undefined): TableDelta => {
  const { created, ...rest } = delta;
  return created === undefined || from === undefined ? delta : rest;
};

/** How the tables of another build, by their names there, become this one's; nothing for what goes. */
type Ways = Map<string, TableWay | undefined>;

interface TableWay {
  readonly table: TableDescription;
  readonly from: PartOrigins | undefined;
}

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
      if (way === undefined) return [];
      const { name: now, restore, restoreEntry, isOwn = false } = way.table;
      const isRead = restoreEntry !== undefined && way.from === undefined && delta instanceof RunDelta;
      return [[now, isRead ? delta.restoredBy(restoreEntry, isOwn) : withoutNews(restore(delta, way.from), way.from)]];
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
   * @returns undefined where the stage has no such operator, and for what no build writes
   * @throws systemic errors `state/newer`, `state/shape`
   */
  wayOfPartials(keyBy: string, window: string, shape: string): OperatorWay | "dropped" | undefined {
    const way = this.#wayOf(window, shape, blanklessText);
    if (way === "dropped") return way;
    if (way === undefined || way === "unreadable") return undefined;
    if ("problems" in way) throw unfitInFlight(keyBy, window, way);
    return { operator: way.table.name, from: way.from };
  }

  /**
   * How a pane or a timer that was set aside, by whichever build, becomes this one's.
   *
   * @returns nothing where its operator was dropped
   * @throws systemic errors `redrive/no-shape`, `redrive/no-operator`, `state/newer`, `state/shape`
   */
  wayOfUnit(unit: SetAside): OperatorWay | undefined {
    const { operator, table, shape } = unit;
    if (this.#successions.dropped.has(operator)) return undefined;
    if (shape === undefined) throw noShapeOfUnit(unit);
    const way = operatorOfTable(table) === operator ? this.#wayOf(table, shape, shapeText) : undefined;
    if (way === "dropped") return undefined;
    if (way === undefined) throw noOperatorOfUnit(unit, this.#isElsewhere(operator));
    if (way === "unreadable") throw noShapeOfUnit(unit);
    if ("problems" in way) throw unfitUnit(unit, way);
    return { operator: this.#nameOf(operator), from: way.from };
  }

  /** Whether another part of the pipeline has an operator's name: one of another stage, or one without state. */
  #isElsewhere(operator: string): boolean {
    return this.#successions.names.has(this.#nameOf(operator));
  }

  /** What an operator is called in this build. */
  #nameOf(operator: string): string {
    return this.#successions.renamed.get(operator) ?? operator;
  }

  #addWay(ways: Ways, name: string, text: string, writer: Writer): void {
    const operator = operatorOfTable(name);
    if (text === DROPPED) {
      if (this.#tables.has(name) || this.#successions.renamed.has(name)) throw droppedLater(name, writer);
      return;
    }
    const way = this.#wayOf(name, text, shapeText);
    if (way === "dropped") return void ways.set(name, undefined);
    if (way === undefined) {
      if (name === shuffleTableOf(operator)) throw noShuffle(operator, writer);
      throw noOperator(operator, this.#isElsewhere(operator), writer);
    }
    if (way === "unreadable") throw notAsWritten(operator, `has a shape that no build writes, «${text}»`, writer);
    if ("problems" in way) throw unfit(operator, way, writer);
    if ([...ways.values()].some((other) => other?.table === way.table))
      throw notAsWritten(operator, "is stored twice", writer);
    ways.set(name, way);
  }

  /**
   * How what another build wrote of a table becomes this one's.
   *
   * @param name of the table, as that build had it
   * @param text its shape there
   * @param textOf what that text is where the shape is this build's own
   * @returns undefined where the stage has no such table
   */
  #wayOf(
    name: string,
    text: string,
    textOf: (shape: EvolvingShape) => string,
  ): TableWay | Misfit | "dropped" | "unreadable" | undefined {
    const operator = operatorOfTable(name);
    if (this.#successions.dropped.has(operator)) return "dropped";
    const table = this.#tables.get(this.#nameOf(operator) + name.slice(operator.length));
    if (table === undefined) return undefined;
    if (text === textOf(table.shape)) return { table, from: undefined };
    const theirs = shapeIn(text);
    if (theirs === undefined) return "unreadable";
    const from = originsOf(table.shape, theirs);
    return isMisfit(from) ? from : { table, from };
  }

  /** What a header says of operators, by their names in this build. */
  #headerOf({ counters, floors, traces = [], ...rest }: TaskHeader, ways: Ways): TaskHeader {
    const held = traces.flatMap(([name, ...of]): HeldTrace[] => {
      const table = ways.get(name)?.table.name;
      return table === undefined ? [] : [[table, ...of]];
    });
    return {
      ...rest,
      ...(held.length > 0 && { traces: held }),
      counters: counters.map(([name, n]) => {
        const [operator, field] = name.split(" ") as [string, string];
        return [`${this.#nameOf(operator)} ${field}` as typeof name, n];
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
