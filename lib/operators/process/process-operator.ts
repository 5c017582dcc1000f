import type { OperatorCounters } from "../../state/counters.ts";
import { systemicError } from "../../errors.ts";
import { decodeKey } from "../../state/key.ts";
import { END_OF_TIME } from "../../time/instant.ts";
import { BroadcastView } from "../broadcast/broadcast-view.ts";
import type { PartOrigins } from "../evolution/part-origins.ts";
import { ExpiringEntries } from "../expiring-entries.ts";
import type { ExpiringOperator, Meta, OperatorContext, Push, StoredUnit, TimedOperator, Unit } from "../operator.ts";
import { trailing, watermarkAt } from "../operator-watermark.ts";
import { refusePromise } from "../stateless.ts";
import { cellOf } from "./cells.ts";
import { operatorTableOf, PositionScope } from "./operator-state.ts";
import type { ProcessDefinition } from "./process-function.ts";
import { Scope } from "./scope.ts";
import type { TimerDeclaration } from "./timer.ts";
import { TimerHandle, TimerQueue, timerTableOf, type DueTimer } from "./timers.ts";

export interface ProcessSpec {
  readonly name: string;
  readonly definition: ProcessDefinition;
  /** Names of the broadcast streams that it reads, by the names that it has for them. */
  readonly broadcasts: Readonly<Record<string, string>>;
  /** The key's fields, in order. */
  readonly keyFields: readonly string[];
  /** Milliseconds by which this operator's watermark trails the task's. */
  readonly delay: number;
}

/** Where a process function's results go. */
export interface ProcessOutlets {
  readonly rows: Push;
  readonly side: (name: string) => Push | undefined;
}

/**
 * Runs user code once per record and once per timer, with state and timers per key.
 *
 * State: the operator's own table and that of expiry (`ExpiringEntries`), one of what is no key's (`PositionScope`), one of
 * timers and one of wakes (`TimerQueue`).
 */
export class ProcessOperator implements TimedOperator, ExpiringOperator {
  readonly name: string;
  readonly #spec: ProcessSpec;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #outlets: ProcessOutlets;
  readonly #entries: ExpiringEntries;
  readonly #timers: TimerQueue;
  readonly #wakes: TimerQueue;
  readonly #scope: Scope;
  readonly #user: object;

  constructor(spec: ProcessSpec, context: OperatorContext, outlets: ProcessOutlets) {
    const { name, definition, broadcasts } = spec;
    this.name = name;
    this.#spec = spec;
    this.#context = context;
    this.#counts = context.state.counters.of(this.name);
    this.#outlets = outlets;
    this.#entries = new ExpiringEntries(name, context.state);
    this.#timers = new TimerQueue(name, "event", context.state);
    this.#wakes = new TimerQueue(name, "processing", context.state);
    const scope = new Scope(name, context.state);
    this.#scope = scope;
    const timerOf = (timer: string, { domain }: TimerDeclaration) =>
      new TimerHandle(timer, domain, domain === "event" ? this.#timers : this.#wakes, scope);
    const own = new ExpiringEntries(operatorTableOf(name), context.state);
    const position = new PositionScope(context.state, scope);
    this.#user = userContext(scope, {
      state: each(definition.state, (cell, declaration) => cellOf(cell, declaration, this.#entries, scope)),
      operatorState: each(definition.operatorState, (cell, declaration) => cellOf(cell, declaration, own, position)),
      timers: each(definition.timers, timerOf),
      side: each(definition.sides, (side) => this.#sideOf(side)),
      broadcast: each(broadcasts, (_field, broadcast) => new BroadcastView(broadcast, context.state, scope)),
    });
  }

  readonly push: Push = (value, meta) => this.#record(this.#spec.definition.onRecord, value, meta);

  /** Takes the records of the stream that this one is connected with. */
  readonly pushOther: Push = (value, meta) => this.#record(this.#spec.definition.onOther!, value, meta);

  #record(user: ProcessDefinition["onRecord"], value: unknown, meta: Meta): void {
    const { name } = this.#spec;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    const call = {
      meta,
      watermark: watermarkAt(this.#spec, context.state, meta.key),
      now: context.now(),
      timer: undefined,
    };
    this.#scope.begin(call);
    try {
      this.#send(user(value as never, this.#user as never), meta);
    } finally {
      this.#scope.end();
    }
    this.#counts.folded.add();
  }

  nextDue(): number {
    const { least } = this.#timers;
    return least === Number.POSITIVE_INFINITY ? least : Math.min(least + this.#spec.delay, END_OF_TIME);
  }

  *closeUpTo(watermark: number): Generator<Unit> {
    const until = trailing(watermark, this.#spec.delay);
    for (const due of this.#timers.due(until, watermark >= END_OF_TIME)) yield this.#timer("event", due);
  }

  expireUpTo(watermark: number): void {
    this.#entries.expire(trailing(watermark, this.#spec.delay));
  }

  nextWake(): number {
    return this.#wakes.least;
  }

  *wakeUpTo(now: number): Generator<Unit> {
    for (const due of this.#wakes.due(now, false)) yield this.#timer("processing", due);
  }

  unitOf({ keyCode, about }: StoredUnit, from?: PartOrigins): Unit | undefined {
    const { timer, at } = about as { readonly timer: string; readonly at: number };
    if (from?.removed.has(timer)) return undefined;
    const declaration = Object.hasOwn(this.#spec.definition.timers, timer)
      ? this.#spec.definition.timers[timer]
      : undefined;
    if (declaration !== undefined) return this.#timer(declaration.domain, { keyCode, timer, at });
    throw systemicError({
      code: "redrive/no-timer",
      message: `Operator "${this.name}" has no timer "${timer}" in this build, and a dead letter holds one.`,
      advice: "Deploy a build that has it until the letter is redriven.",
    });
  }

  #timer(domain: "event" | "processing", { keyCode, timer, at }: DueTimer): Unit {
    const { keyFields, definition } = this.#spec;
    const context = this.#context;
    const key = decodeKey(keyFields, keyCode);
    return {
      operator: this.name,
      describe: () => ({
        kind: "timer",
        key,
        about: { timer, at },
        content: null,
        table: timerTableOf(this.name, domain),
      }),
      run: () => {
        context.enter(this.name);
        const reached = watermarkAt(this.#spec, context.state, key);
        // While timers fire in their order, event time has come as far as the one that fires.
        const watermark = domain === "event" ? Math.max(reached, at) : reached;
        const meta = { key, keyCode, time: domain === "event" ? at : reached };
        const call = { meta, watermark, now: context.now(), timer: { domain, at } };
        this.#scope.during(call, () => this.#send(definition.onTimer?.(timer as never, this.#user as never), meta));
      },
    };
  }

  /** Sends what user code gave, which may be a generator: a part of the call. */
  #send(rows: unknown, meta: Meta): void {
    if (rows === undefined) return;
    const { name } = this.#spec;
    refusePromise(name, rows);
    for (const row of rows as Iterable<unknown>) {
      refusePromise(name, row);
      this.#outlets.rows(row, meta);
      this.#context.enter(name);
    }
  }

  /** A row for nobody is no row. */
  #sideOf(side: string): (row: unknown) => void {
    const push = this.#outlets.side(side);
    return (row) => {
      const { meta } = this.#scope.call;
      push?.(row, meta);
      this.#context.enter(this.name);
    };
  }
}

const each = <D, H>(
  declarations: Readonly<Record<string, D>>,
  make: (name: string, declaration: D) => H,
): Readonly<Record<string, H>> =>
  Object.freeze(Object.fromEntries(Object.entries(declarations).map(([name, one]) => [name, make(name, one)])));

/** What user code is given: one object for all calls, which says what the present one is for. */
const userContext = (
  scope: Scope,
  handles: { readonly [kind in "state" | "operatorState" | "timers" | "side" | "broadcast"]: object },
): object =>
  Object.freeze({
    ...handles,
    get key() {
      return scope.call.meta.key;
    },
    get time() {
      return scope.call.meta.time;
    },
    get watermark() {
      return scope.call.watermark;
    },
    get now() {
      return scope.call.now;
    },
  });
