import { objectMaker, type ObjectMaker } from "../object-maker.ts";
import { decodeKey, type KeyValues } from "../state/key.ts";
import type { PaneTiming } from "../windows/trigger.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { Accumulators, Aggregation } from "./aggregation.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import type { SentRow } from "./open-windows.ts";
import type { OperatorContext, Push, StoredUnit, Unit, UnitDescription } from "./operator.ts";
import type { WindowSpec } from "./window-spec.ts";

/** A row that a window makes. */
export interface Pane {
  /** Both undefined for a window without an end. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  /** The row's event time: so that a longer window after this one holds it, the last instant of its window. */
  readonly time: number;
  readonly accumulators: Accumulators;
  /** Undefined where a window makes one row. */
  readonly firing: PaneFiring | undefined;
}

export interface PaneFiring {
  readonly timing: PaneTiming;
  /** How many rows the window has made before. */
  readonly index: number;
  /** What the row takes back. */
  readonly retracts: readonly SentRow[];
}

/** Makes rows of panes, and units of them. */
export class WindowRows {
  readonly #spec: Pick<WindowSpec<WindowAssigner>, "name" | "keyFields" | "trigger">;
  readonly #aggregation: Aggregation;
  readonly #context: OperatorContext;
  readonly #downstream: Push;
  /** Rows of windows with an end, and of those without. */
  readonly #windowed: ObjectMaker;
  readonly #endless: ObjectMaker;
  /** How many fields a row has, but for its window's start and end. */
  readonly #width: number;

  constructor(
    spec: Pick<WindowSpec<WindowAssigner>, "name" | "keyFields" | "trigger">,
    aggregation: Aggregation,
    context: OperatorContext,
    downstream: Push,
  ) {
    this.#spec = spec;
    this.#aggregation = aggregation;
    this.#context = context;
    this.#downstream = downstream;
    const firing = spec.trigger === undefined ? [] : ["pane", "paneIndex"];
    const sign = spec.trigger?.accumulation === "retracting" ? ["sign"] : [];
    const fields = [...firing, ...sign, ...aggregation.names];
    this.#width = spec.keyFields.length + fields.length;
    this.#windowed = objectMaker([...spec.keyFields, "windowStart", "windowEnd", ...fields]);
    this.#endless = objectMaker([...spec.keyFields, ...fields]);
  }

  /** Sends a pane downstream, as a part of the unit that is at work. */
  send(pane: Pane, keyCode: string): void {
    const context = this.#context;
    const traces = context.state.traces.of(this.#spec.name, keyCode, pane);
    if (traces.length === 0) this.#sendRows(pane, keyCode);
    else context.traced(traces, () => this.#sendRows(pane, keyCode));
  }

  #sendRows(pane: Pane, keyCode: string): void {
    const key = decodeKey(this.#spec.keyFields, keyCode);
    const { start, end, time, accumulators, firing } = pane;
    if (this.#spec.trigger?.accumulation !== "retracting") return this.#send(key, keyCode, pane, pane, accumulators);
    for (const [from, to, sent] of firing?.retracts ?? []) {
      const window = end === undefined ? { start, end } : { start: from, end: to };
      this.#send(key, keyCode, window, { time, firing }, sent, -1);
    }
    this.#send(key, keyCode, pane, pane, accumulators, 1);
  }

  #send(
    key: KeyValues,
    keyCode: string,
    { start, end }: Pick<Pane, "start" | "end">,
    { time, firing }: Pick<Pane, "time" | "firing">,
    accumulators: Accumulators,
    sign?: 1 | -1,
  ): void {
    const { name, keyFields, trigger } = this.#spec;
    this.#context.enter(name);
    // As long as it becomes: one that grows has room for many more.
    const values = new Array<unknown>(end === undefined ? this.#width : this.#width + 2);
    let place = 0;
    for (const field of keyFields) values[place++] = key[field];
    if (end !== undefined) {
      values[place++] = start;
      values[place++] = end;
    }
    if (trigger !== undefined) {
      values[place++] = firing?.timing ?? "onTime";
      values[place++] = firing?.index ?? 0;
    }
    if (sign !== undefined) values[place++] = sign;
    this.#aggregation.putResults(values, place, accumulators);
    this.#downstream(end === undefined ? this.#endless(values) : this.#windowed(values), { time, key, keyCode });
  }

  /** A pane as a unit of its own (X7). */
  unit(pane: Pane, keyCode: string): Unit {
    return new PaneUnit(this, this.#spec, pane, keyCode);
  }

  /** A pane made again of what a dead letter kept. @throws systemic error `state/accumulator` */
  unitOf({ keyCode, about, content }: StoredUnit, from?: PartOrigins): Unit {
    const { start, end, time, pane, paneIndex } = about as Readonly<Record<string, number | undefined>>;
    const aggregation = this.#aggregation;
    const [accumulators, retracts] = (pane === undefined ? [content, []] : content) as [unknown, readonly SentRow[]];
    const firing =
      pane === undefined
        ? undefined
        : {
            timing: pane as unknown as PaneTiming,
            index: paneIndex!,
            retracts: retracts.map(([first, last, sent]): SentRow => [first, last, aggregation.restore(sent, from)]),
          };
    return this.unit(
      { start, end, time: time ?? end! - 1, accumulators: aggregation.restore(accumulators, from), firing },
      keyCode,
    );
  }
}

class PaneUnit implements Unit {
  readonly #rows: WindowRows;
  readonly #spec: Pick<WindowSpec<WindowAssigner>, "name" | "keyFields">;
  readonly #pane: Pane;
  readonly #keyCode: string;

  constructor(
    rows: WindowRows,
    spec: Pick<WindowSpec<WindowAssigner>, "name" | "keyFields">,
    pane: Pane,
    keyCode: string,
  ) {
    this.#rows = rows;
    this.#spec = spec;
    this.#pane = pane;
    this.#keyCode = keyCode;
  }

  get operator(): string {
    return this.#spec.name;
  }

  describe(): UnitDescription {
    const { start, end, time, accumulators, firing } = this.#pane;
    return {
      kind: "pane",
      key: decodeKey(this.#spec.keyFields, this.#keyCode),
      about: {
        ...(end === undefined ? { time } : { start: start!, end }),
        ...(firing && { pane: firing.timing, paneIndex: firing.index }),
      },
      content: firing === undefined ? accumulators : [accumulators, firing.retracts],
    };
  }

  run(): void {
    this.#rows.send(this.#pane, this.#keyCode);
  }
}
