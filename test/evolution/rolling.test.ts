import {
  bigint,
  count,
  custom,
  lake,
  nullable,
  pipeline,
  sum,
  text,
  timestamp,
  tumbling,
  double,
  type Pipeline,
} from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { infrastructureError, MillraceError } from "../../lib/errors.ts";
import type { StageRuntime } from "../../lib/runtime/stage-runtime.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { overriding } from "../support/overriding.ts";
import { Rig, SMALL_LIMITS } from "../support/rig.ts";
import { Shards } from "../support/shards.ts";
import { event, eventsOf, shown, type Event } from "./events.ts";

/** Events are at most ten milliseconds out of order: none is late. */
const source = eventsOf(event, 12);
const rows = lake("rows", {
  key: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  events: nullable(bigint),
  total: nullable(double),
  seen: text,
});

const first: Pipeline = pipeline("rolling", (flow) => {
  const seen = custom<Event, number[], string>({
    state: z.array(z.number()),
    init: () => [],
    add: (numbers, { n }) => [...numbers, n],
    merge: (a, b) => [...a, ...b],
    result: shown,
  });
  flow
    .from(source)
    .byKey.window("w", tumbling({ millis: 30 }))
    .aggregate({ events: count(), seen })
    .to(rows as never);
});

const second = (name: string): Pipeline =>
  pipeline("rolling", (flow) => {
    const seen = custom<Event, { numbers: number[] }, string>({
      state: z.object({ numbers: z.array(z.number()) }),
      init: () => ({ numbers: [] }),
      add: ({ numbers }, { n }) => ({ numbers: [...numbers, n] }),
      merge: (a, b) => ({ numbers: [...a.numbers, ...b.numbers] }),
      result: ({ numbers }) => shown(numbers),
      version: 2,
      migrate: { 1: (numbers: number[]) => ({ numbers }) },
    });
    flow
      .from(source)
      .byKey.window(name, tumbling({ millis: 30 }), { was: name === "w" ? [] : ["w"] })
      .aggregate(
        { total: sum((e: Event) => e.n), seen },
        { version: 2, migrate: { 1: { added: ["total"], removed: ["events"] } } },
      )
      .to(rows as never);
  });

/** What stops a container of version 1. */
const REFUSALS = ["state/newer", "state/shape"];

type Step =
  | { readonly kind: "put"; readonly key: string; readonly back: number }
  | { readonly kind: "split" | "merge"; readonly at: number }
  /** Containers take a batch: several, at once. */
  | { readonly kind: "give"; readonly to: readonly number[]; readonly at: number; readonly size: number }
  | { readonly kind: "fail"; readonly times: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      key: fc.constantFrom(..."abcdefgh"),
      back: fc.nat(10),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("give" as const),
      to: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 3 }),
      at: fc.nat(),
      size: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("split" as const, "merge" as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail" as const), times: fc.integer({ min: 1, max: 3 }) }) },
);

/** Containers 0 and 1 run version 1 and 2 and 3 version 2: all of them all the time, in any order. */
class Rollout {
  readonly rig = new Rig(first);
  readonly shards = new Shards(this.rig);
  readonly events: Event[] = [];
  refused = 0;
  readonly #containers: readonly StageRuntime[];
  #failures = 0;

  constructor(renamed: string, isSmall: boolean) {
    const options = {
      ...(isSmall && { limits: SMALL_LIMITS }),
      wrapSink: (name: string, sink: Parameters<NonNullable<Parameters<Rig["process"]>[0]>["wrapSink"] & object>[1]) =>
        overriding(sink, {
          deliver: async (items) => {
            if (name === "rows" && this.#failures-- > 0) {
              throw infrastructureError({ code: "test/down", message: "the sink is down" });
            }
            return sink.deliver(items);
          },
        }),
    };
    const container = (pipeline: Pipeline, build: string) => {
      this.rig.deploy(pipeline, build);
      return this.rig.process(options);
    };
    const [old, now] = [first, second(renamed)];
    this.#containers = [
      container(old, "build-1"),
      container(old, "build-1"),
      container(now, "build-2"),
      container(now, "build-2"),
    ];
  }

  async take(of: Step): Promise<void> {
    switch (of.kind) {
      case "put": {
        const n = this.events.length + 1;
        const one = { key: of.key, time: 100 + n * 5 - of.back, n };
        this.events.push(one);
        this.shards.put(one as never);
        return;
      }
      case "split":
        this.shards.split(this.shards.open[of.at % this.shards.open.length]!);
        return;
      case "merge": {
        const open = this.shards.open;
        if (open.length > 1)
          this.shards.merge(open[of.at % (open.length - 1)]!, open[(of.at % (open.length - 1)) + 1]!);
        return;
      }
      case "fail":
        this.#failures = of.times;
        return;
      case "give": {
        const ids = this.rig.partitions.map(({ id }) => id);
        const id = ids[of.at % ids.length]!;
        await Promise.all(of.to.map((container) => this.give(container, id, of.size)));
      }
    }
  }

  /** @returns whether the batch is done with */
  async give(container: number, id: string, size: number): Promise<boolean> {
    const before = await this.#head(id);
    const header = await this.rig.header(id);
    const batch = this.shards.unread(id, header?.position.sequence ?? "").slice(0, size);
    if (batch.length === 0) return true;
    const result = await this.#containers[container]!.records(id, batch).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const code = result instanceof MillraceError ? result.code : result;
    const isOld = container < 2;
    if (isOld && before === "build-2") {
      expect(REFUSALS).toContain(code);
      this.refused++;
    } else
      expect([undefined, "delivery/failed", "reshard/parent-not-done", ...(isOld ? REFUSALS : [])]).toContain(code);
    return code === undefined;
  }

  /** Version 2 alone, to the end. */
  async finish(): Promise<void> {
    this.#failures = 0;
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const { id } of [...this.rig.partitions]) {
        const header = await this.rig.header(id);
        if (this.shards.unread(id, header?.position.sequence ?? "").length > 0) {
          isBusy = true;
          await this.give(2, id, 1_000);
        }
      }
    }
    for (const id of this.shards.open) {
      await this.#containers[3]!.control({ type: "drain", task: taskName(this.rig.idOf(id)) });
    }
  }

  async #head(id: string): Promise<string | undefined> {
    const { commits } = await this.rig.changelog.newest(taskName(this.rig.idOf(id)), { from: 1, limit: 1 });
    return commits[0]?.build;
  }

  /** Once version 2 has committed on a task, no version 1 does. */
  async checkBuilds(): Promise<void> {
    for (const { id } of this.rig.partitions) {
      const task = taskName(this.rig.idOf(id));
      const { commits } = await this.rig.changelog.newest(task, { from: 1, limit: 1_000 });
      const builds = commits.toReversed().map(({ build }) => build);
      expect(builds).toEqual(builds.toSorted());
    }
  }
}

test.each(["w", "windows"])(
  "both versions are alive at once, while shards are split and merged and sinks fail: nothing is lost or repeated (%s)",
  async (renamed) => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, isSmall) => {
        const rollout = new Rollout(renamed, isSmall);
        for (const each of steps) await rollout.take(each);
        await rollout.finish();
        await rollout.checkBuilds();
        refused += rollout.refused;
        const expected = new Map<string, number[]>();
        for (const { key, time, n } of rollout.events) {
          const place = `${key} ${Math.floor(time / 30) * 30}`;
          expected.set(place, [...(expected.get(place) ?? []), n]);
        }
        const found = rollout.rig.rows<{ key: string; window_start: number; seen: string }>("rows");
        const seen = found.map(({ key, window_start, seen }) => [`${key} ${window_start}`, seen] as const);
        expect(new Map(seen)).toEqual(new Map([...expected].map(([place, all]) => [place, shown(all)])));
        expect(seen).toHaveLength(expected.size);
        expect(rollout.rig.deadLetters()).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(0);
  },
);
