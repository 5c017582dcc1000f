import { decodeKey, type KeyValues } from "../state/key.ts";
import type { PaneTiming } from "../windows/trigger.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { Accumulators, Aggregation } from "./aggregation.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import type { SentRow } from "./open-windows.ts";
import type { OperatorContext, Push, StoredUnit, Unit } from "./operator.ts";
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
  }

  /** Sends a pane downstream, as a part of the unit that is at work. */
  send(pane: Pane, keyCode: string): void {
    const { state } = this.#context;
    this.#context.traced(state.traces.of(this.#spec.name, keyCode, pane), () => this.#sendRows(pane, keyCode));
  }

  #sendRows(pane: Pane, keyCode: string): void {
    const key = decodeKey(this.#spec.keyFields, keyCode);
    const { start, end, time, accumulators, firing } = pane;
    if (this.#spec.trigger?.accumulation !== "retracting")
      return this.#send(key, keyCode, { start, end }, pane, accumulators, {});
    for (const [from, to, sent] of firing?.retracts ?? []) {
      const window = end === undefined ? { start, end } : { start: from, end: to };
      this.#send(key, keyCode, window, { time, firing }, sent, { sign: -1 });
    }
    this.#send(key, keyCode, { start, end }, pane, accumulators, { sign: 1 });
  }

  #send(
    key: KeyValues,
    keyCode: string,
    { start, end }: Pick<Pane, "start" | "end">,
    { time, firing }: Pick<Pane, "time" | "firing">,
    accumulators: Accumulators,
    sign: { readonly sign?: 1 | -1 },
  ): void {
    this.#context.enter(this.#spec.name);
    const row: Record<string, unknown> = { ...key };
    if (end !== undefined) {
      row["windowStart"] = start;
      row["windowEnd"] = end;
    }
    if (this.#spec.trigger !== undefined) {
      row["pane"] = firing?.timing ?? "onTime";
      row["paneIndex"] = firing?.index ?? 0;
    }
    Object.assign(row, sign);
    this.#aggregation.addResults(row, accumulators);
    this.#downstream(row, { time, key, keyCode });
  }

  /** A pane as a unit of its own (X7). */
  unit(pane: Pane, keyCode: string): Unit {
    const { start, end, time, accumulators, firing } = pane;
    return {
      operator: this.#spec.name,
      describe: () => ({
        kind: "pane",
        key: decodeKey(this.#spec.keyFields, keyCode),
        about: {
          ...(end === undefined ? { time } : { start: start!, end }),
          ...(firing && { pane: firing.timing, paneIndex: firing.index }),
        },
        content: firing === undefined ? accumulators : [accumulators, firing.retracts],
      }),
      run: () => this.send(pane, keyCode),
    };
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
