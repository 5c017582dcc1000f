import fc from "fast-check";
import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import {
  lateNamings,
  lateOrders,
  named,
  namings,
  orders,
  shop,
  textOf,
  type Named,
  type Naming,
  type Order,
} from "./shop.ts";

/** What the sources of the shop wait for, and its table's keepRemoved. */
const DISORDER = 100;
const KEEP_REMOVED = 1_000;
const CUSTOMERS = ["ann", "bob"];

type Event = { readonly order: Order } | { readonly naming: Naming };

/** Events of which many are late, some by more than removals are known, and some changes are repeats. */
const events: fc.Arbitrary<readonly Event[]> = fc
  .array(
    fc.record({
      step: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 100, 600)),
      behind: fc.oneof(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 1_500 })),
      customer: fc.constantFrom(...CUSTOMERS),
      what: fc.constantFrom("order", "order", "name", "name", "gone", "again"),
      pick: fc.nat(100),
    }),
    { maxLength: 60 },
  )
  .map((drawn) => {
    let now = 10_000;
    const namingsSoFar: Naming[] = [];
    return drawn.map(({ step, behind, customer, what, pick }, i): Event => {
      now += step;
      const at = Math.floor((now - behind) / 10) * 10;
      if (what === "order") return { order: { id: `order ${i}`, customer, at } };
      const again = what === "again" ? namingsSoFar[pick % Math.max(1, namingsSoFar.length)] : undefined;
      const seq = (i * 7_919) % 10_007;
      const naming = again ?? { customer, seq, name: what === "gone" ? null : `${customer} ${i}`, at };
      namingsSoFar.push(naming);
      return { naming };
    });
  });

/** What docs/joins.md says, with lists of all that ever came: only `kept` forgets, to know what is a dead letter. */
class Model {
  readonly rows: string[] = [];
  readonly lateOrders: string[] = [];
  readonly lateNamings: string[] = [];
  dead = 0;
  readonly #allowedLateness: number;
  readonly #greatest = { order: Number.NEGATIVE_INFINITY, naming: Number.NEGATIVE_INFINITY };
  readonly #versions = new Map<string, Naming[]>(CUSTOMERS.map((customer) => [customer, []]));
  readonly #kept = new Map<string, Naming[]>(CUSTOMERS.map((customer) => [customer, []]));
  #waiting: Order[] = [];

  constructor(allowedLateness: number) {
    this.#allowedLateness = allowedLateness;
  }

  get #closed(): number {
    return Math.min(this.#greatest.order, this.#greatest.naming) - DISORDER - this.#allowedLateness;
  }

  push(event: Event): void {
    if ("order" in event) this.#order(event.order);
    else this.#naming(event.naming);
    this.#close();
  }

  /** What is known of a customer. */
  kept(customer: string): readonly Naming[] {
    return this.#kept.get(customer)!;
  }

  drain(): void {
    this.#greatest.order = this.#greatest.naming = Number.POSITIVE_INFINITY;
    this.#close();
  }

  #order(order: Order): void {
    if (order.at < this.#closed) this.lateOrders.push(order.id);
    else this.#waiting.push(order);
    this.#greatest.order = Math.max(this.#greatest.order, order.at);
  }

  #naming(naming: Naming): void {
    const { customer, at, seq, name } = naming;
    const isLate = at < this.#closed;
    const kept = this.#kept.get(customer)!;
    this.#greatest.naming = Math.max(this.#greatest.naming, at);
    if (isLate && at <= this.#closed - KEEP_REMOVED && kept.length === 0) {
      this.dead++;
      return;
    }
    const isKnown = kept.some((other) => other.at === at && other.seq === seq);
    if (isLate && !isKnown) this.lateNamings.push(`${at} ${name ?? "nobody"}`);
    add(kept, naming);
    add(this.#versions.get(customer)!, naming);
  }

  #close(): void {
    const closed = this.#closed;
    const due = this.#waiting.filter(({ at }) => at < closed);
    this.#waiting = this.#waiting.filter(({ at }) => at >= closed);
    for (const order of due) {
      const row = this.#versions.get(order.customer)!.findLast(({ at }) => at <= order.at);
      this.rows.push(textOf({ ...order, name: row?.name ?? null }));
    }
    for (const kept of this.#kept.values()) {
      for (const until of kept.map(
        ({ name, at }, i) => kept[i + 1]?.at ?? (name === null ? at + KEEP_REMOVED : Infinity),
      ))
        if (until <= closed) kept.shift();
    }
  }
}

/** Of a time the one of the greater number counts. */
function add(to: Naming[], naming: Naming): void {
  const same = to.findIndex(({ at }) => at === naming.at);
  if (same >= 0) {
    if (to[same]!.seq < naming.seq) to[same] = naming;
    return;
  }
  const next = to.findIndex(({ at }) => at > naming.at);
  to.splice(next < 0 ? to.length : next, 0, naming);
}

test("what is late, and what becomes of it, is what is said of it; and no more is kept", () => {
  fc.assert(
    fc.property(events, fc.constantFrom(0, 0, 70), (all, allowedLateness) => {
      const pipeline = shop({ allowedLateness: { millis: allowedLateness } });
      const driver = testDriver(pipeline, { start: 40_000 });
      const model = new Model(allowedLateness);
      for (const event of all) {
        if ("order" in event) driver.push(orders, event.order);
        else driver.push(namings, event.naming);
        model.push(event);
        for (const customer of CUSTOMERS) {
          const { versions } = driver.state(pipeline.handles.joined, { customer });
          const expected = model
            .kept(customer)
            .map(({ at, seq, name }) => ({ at, row: name === null ? undefined : { name, seq } }));
          expect(versions).toEqual(expected);
        }
      }
      driver.drain();
      model.drain();
      expect(
        driver
          .read(named)
          .map((row) => textOf(row as Named))
          .toSorted(),
      ).toEqual(model.rows.toSorted());
      expect(driver.read(lateOrders).map(({ id }) => id)).toEqual(model.lateOrders);
      expect(driver.read(lateNamings).map(({ at, name }) => `${at} ${name ?? "nobody"}`)).toEqual(model.lateNamings);
      expect(driver.deadLetters().map(({ reason }) => reason.code)).toEqual(Array(model.dead).fill("join/late"));
    }),
    { numRuns: 150 },
  );
});
