import {
  count,
  countWindow,
  dynamoTable,
  eventTime,
  hopping,
  kinesis,
  lake,
  list,
  map,
  max,
  bigint,
  pipeline,
  processingTime,
  session,
  sliding,
  sum,
  text,
  tumbling,
  value,
  type Keyed,
  type Pipeline,
  type Stream,
  type WindowAssigner,
  type WindowOptions,
} from "millrace";
import fc from "fast-check";
import { z } from "zod";

/** What flows through random pipelines, from the source to the sinks. */
const item = z.object({ key: z.string(), group: z.string(), at: z.number(), n: z.number() });
export type Item = z.infer<typeof item>;

/** The number that user code throws at. */
const POISON = 13;

const ASSIGNERS: readonly WindowAssigner<Item>[] = [
  tumbling({ seconds: 10 }),
  hopping({ size: { seconds: 20 }, every: { seconds: 10 } }),
  session({ gap: { seconds: 7 } }),
  sliding({ preceding: { seconds: 15 } }),
  countWindow(3),
];

const OPTIONS: readonly WindowOptions[] = [
  {},
  { allowedLateness: { seconds: 5 } },
  { trigger: { early: { records: 2 } } },
  { trigger: { early: { processingTime: { seconds: 5 } } }, accumulation: "discarding" },
  { trigger: { early: { eventTime: { seconds: 4 } }, late: "onUpdate" }, allowedLateness: { seconds: 30 } },
  { trigger: { late: "onUpdate" }, allowedLateness: { seconds: 30 }, accumulation: "retracting" },
];

/** A step of a random pipeline, which makes items of items. A keyed one is by the key that there is, or by another. */
type Step =
  | { readonly kind: "filter" | "map" | "flatMap" | "split" | "union" }
  | { readonly kind: "enrich"; readonly isCached: boolean; readonly isTable: boolean; readonly isForgiving: boolean }
  | { readonly kind: "process" | "deduplicate"; readonly by: By }
  | { readonly kind: "join"; readonly by: "group" | "key"; readonly isInner: boolean; readonly lateness: number }
  | { readonly kind: "window"; readonly by: By; readonly assigner: number; readonly options: number };
type By = "byKey" | "group" | "key" | "all";

export interface Shape {
  readonly disorder: number;
  readonly idle: number | undefined;
  readonly hasKey: boolean;
  readonly steps: readonly Step[];
}

const by = fc.constantFrom<By>("byKey", "group", "key", "all");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("filter" as const, "map" as const, "flatMap" as const, "split" as const, "union" as const),
  }),
  fc.record({
    kind: fc.constant("enrich" as const),
    isCached: fc.boolean(),
    isTable: fc.boolean(),
    isForgiving: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("process" as const, "deduplicate" as const), by }),
  fc.record({
    kind: fc.constant("join" as const),
    by: fc.constantFrom("group" as const, "key" as const),
    isInner: fc.boolean(),
    lateness: fc.constantFrom(0, 5),
  }),
  fc.record({
    kind: fc.constant("window" as const),
    by,
    assigner: fc.nat(ASSIGNERS.length - 1),
    options: fc.nat(OPTIONS.length - 1),
  }),
);

export const shapes: fc.Arbitrary<Shape> = fc.record({
  disorder: fc.constantFrom(0, 4, 20),
  idle: fc.constantFrom(undefined, 5, 60),
  hasKey: fc.boolean(),
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
});

/** What is done to a running pipeline. */
export type Action =
  | { readonly do: "push"; readonly item: Item }
  | { readonly do: "raw"; readonly payload: string }
  | { readonly do: "advance"; readonly millis: number };

/** Where the clock stands at first. */
export const START = 1_000_000;

const seconds = (max: number) => fc.nat(max).map((n) => n * 1_000);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({
        key: fc.constantFrom("a", "b", "c"),
        group: fc.constantFrom("x", "y"),
        at: seconds(120).map((at) => START - 60_000 + at),
        n: fc.nat(POISON),
      })
      .map((pushed): Action => ({ do: "push", item: pushed })),
  },
  { weight: 1, arbitrary: fc.constantFrom("{", "{}", "[]").map((payload): Action => ({ do: "raw", payload })) },
  { weight: 2, arbitrary: seconds(40).map((millis): Action => ({ do: "advance", millis })) },
);
export const scripts = fc.array(action, { maxLength: 40 });

type Items = Stream<Item, { readonly key: string }>;
type KeyedItems = Keyed<Item, { readonly key: string }>;

const sinkOf = (name: string) => lake(name, { key: text, group: text, at: bigint, n: bigint });

/** Makes the pipeline of a shape. */
export function pipelineOf({ disorder, idle, hasKey, steps }: Shape): Pipeline {
  const source = kinesis("items", {
    schema: item,
    ...(hasKey && { key: { key: (i: Item) => i.key } }),
    eventTime: (i) => i.at,
    disorder: { seconds: disorder },
    idle: idle === undefined ? "never" : { seconds: idle },
  });
  return pipeline(
    "random",
    (flow) => {
      let stream = flow.from(source) as unknown as Items;
      let isKeyed = hasKey;
      let hasState = false;
      for (const [i, each] of steps.entries()) {
        if (each.kind === "enrich") {
          // After state there is nothing looked up but in another stage.
          const values = hasState ? keyed(stream, "key", `s${i}`, isKeyed) : stream;
          isKeyed ||= hasState;
          hasState = false;
          stream = enriched(values, each, `s${i}`);
          continue;
        }
        stream = after(stream, each, `s${i}`, isKeyed);
        if ("by" in each) {
          isKeyed = each.by !== "all";
          hasState = true;
        }
      }
      stream.to(sinkOf("out"));
    },
    { poison: { share: 1 } },
  );
}

type EnrichStep = Extract<Step, { kind: "enrich" }>;

export const groups = dynamoTable("groups", { key: "group", schema: z.object({ name: z.string() }) });

/** What calls find. */
export function calledFor(group: string): string | undefined {
  if (group.startsWith("y")) throw new Error("the service is down");
  return group.startsWith("z") ? undefined : `c${group}`.slice(0, 2);
}

/** What the table has: a row that its schema refuses, too. */
export const rowOf = (group: string): unknown =>
  group.startsWith("t") ? undefined : { name: group.startsWith("y") ? 5 : `r${group}`.slice(0, 2) };

function enriched(stream: Pick<Items, "enrich">, step: EnrichStep, name: string): Items {
  const key = ({ group }: Item) => (group === "x" ? undefined : group);
  const cache = step.isCached ? { cache: { entries: 2, ttl: { seconds: 30 } } } : {};
  if (step.isTable) {
    const onFailure = step.isForgiving ? { use: { name: "f" } } : ("dead-letter" as const);
    const found = {
      key,
      table: groups,
      with: (i: Item, row?: { name: string }) => ({ ...i, group: row?.name ?? "n" }),
    };
    return stream.enrich(name, { ...found, ...cache, onFailure });
  }
  const onFailure = step.isForgiving ? { use: "f" } : ("dead-letter" as const);
  const call = async (group: string) => calledFor(group);
  return stream.enrich(name, {
    key,
    call,
    with: (i: Item, found) => ({ ...i, group: found ?? "n" }),
    ...cache,
    onFailure,
  });
}

function after(stream: Items, step: Exclude<Step, EnrichStep>, name: string, isKeyed: boolean): Items {
  switch (step.kind) {
    case "filter":
      return stream.filter(name, ({ n }) => n % 4 !== 1);
    case "map":
      return stream.map(name, (i) => ({ ...i, n: unlessPoison(i.n) + 1 }));
    case "flatMap":
      return stream.flatMap(name, (i) => Array.from({ length: i.n % 3 }, (_, k) => ({ ...i, n: i.n + k })));
    case "split": {
      const { even, rest } = stream.split(name, { even: ({ n }: Item) => n % 2 === 0 });
      even.to(sinkOf(`${name}_even`));
      return rest;
    }
    case "union":
      return stream.union(
        name,
        stream.map(`${name}-other`, (i) => ({ ...i, group: "z" })),
      );
    case "deduplicate":
      return keyed(stream, step.by, name, isKeyed).deduplicate(name, { id: ({ n }) => n, within: { seconds: 30 } });
    case "process":
      return processed(keyed(stream, step.by, name, isKeyed), name);
    case "join":
      return joined(stream, step, name);
    case "window": {
      const assigner = ASSIGNERS[step.assigner]!;
      const takesOptions = assigner.kind !== "sliding" && assigner.kind !== "count";
      const windows = keyed(stream, step.by, name, isKeyed)
        .window(name, assigner as WindowAssigner<Item> & { kind: "session" }, takesOptions ? OPTIONS[step.options] : {})
        .aggregate({ n: sum((i) => i.n), at: max((i) => i.at), records: count() });
      windows.late.to(sinkOf(`${name}_late`));
      return windows.map(`${name}-item`, (row) => {
        const { n, at, records, ...rest } = row as Readonly<Record<string, unknown>> & { n: number; at: number };
        return { key: JSON.stringify(rest), group: `${Number(records) % 2}`, at, n: unlessPoison(n) % 1_000 };
      });
    }
  }
}

function keyed(stream: Items, by: By, name: string, isKeyed: boolean): KeyedItems {
  if (by === "byKey" && isKeyed) return stream.byKey;
  const key = by === "all" ? {} : by === "key" ? { key: (i: Item) => i.key } : { group: (i: Item) => i.group };
  return stream.keyBy(`${name}-by`, key) as unknown as KeyedItems;
}

/** Items with what their group, or key, last was: every fifth number removes it. */
function joined(stream: Items, { by, isInner, lateness }: Extract<Step, { kind: "join" }>, name: string): Items {
  const table = stream.toTable(`${name}-rows`, {
    key: { of: (i) => i[by] },
    row: ({ n }) => (n % 5 === 4 ? undefined : { n }),
    order: ({ n }) => n,
    keepRemoved: { seconds: 20 },
  });
  const combine = (i: Item, row: { readonly n: number } | undefined): Item => ({
    ...i,
    n: unlessPoison(row?.n ?? 1) + 1,
  });
  const result = stream.keyBy(`${name}-by`, { of: (i) => i[by] }).join(name, table, combine, {
    type: isInner ? "inner" : "left",
    allowedLateness: { seconds: lateness },
  } as {
    readonly type: "left";
  });
  result.late.to(sinkOf(`${name}_late`));
  result.lateChanges
    .map(`${name}-change`, ({ at, row }) => ({ key: "late", group: "c", at, n: row?.n ?? 0 }))
    .to(sinkOf(`${name}_changes`));
  return result as unknown as Items;
}

const unlessPoison = (n: number): number => {
  if (n === POISON) throw new Error("poison");
  return n;
};

function processed(items: KeyedItems, name: string): Items {
  return items.process(name, {
    state: {
      calls: value(z.number(), { initial: 0 }),
      recent: list(z.number(), { ttl: { seconds: 20 } }),
      byNumber: map(z.number(), z.string(), { ttl: { seconds: 60 } }),
    },
    timers: { quiet: eventTime, wake: processingTime },
    *onRecord(record, { state, timers, watermark }) {
      state.calls.set(state.calls.get() + 1);
      state.recent.append(record.n);
      state.byNumber.set(record.n, record.key);
      timers.quiet.after({ seconds: record.n });
      if (record.n % 3 === 0) timers.wake.after({ seconds: record.n });
      unlessPoison(record.n);
      yield { ...record, group: `${record.group}${watermark > 0}`.slice(0, 2), n: state.recent.get().length };
    },
    *onTimer(timer, { state, time }) {
      const calls = state.calls.get();
      if (calls % 5 === 4) throw new Error("dead timer");
      if (timer === "quiet") state.calls.set(calls + 1);
      yield { key: timer, group: "t", at: Math.max(time, 0), n: [...state.byNumber.keys()].length };
    },
  });
}
