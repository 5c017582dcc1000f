import { eventTime, kinesis, lake, list, map, pipeline, reducing, text, timestamp, value } from "millrace";
import fc from "fast-check";
import { z } from "zod";
import { partKey } from "../../../lib/state/entry-key.ts";

/** Programs that records carry, for a process function that does what they say. */
const op = z.union([
  z.object({ do: z.literal("set"), to: z.number() }),
  z.object({ do: z.literal("append"), to: z.number() }),
  z.object({ do: z.literal("replace"), to: z.array(z.number()).readonly() }),
  z.object({ do: z.literal("put"), name: z.string(), to: z.number() }),
  z.object({ do: z.literal("delete"), name: z.string() }),
  z.object({ do: z.literal("add"), to: z.number() }),
  z.object({ do: z.literal("clear"), cell: z.enum(["one", "many", "named", "sum"]) }),
  z.object({ do: z.literal("arm"), timer: z.enum(["a", "b"]), at: z.number() }),
  z.object({ do: z.literal("disarm"), timer: z.enum(["a", "b"]) }),
  z.object({ do: z.literal("throw") }),
]);
export type Op = z.infer<typeof op>;

const command = z.object({ key: z.string(), time: z.number(), ops: z.array(op), onTimer: z.array(op) });
/** A record: what to do at once, and what every later timer of its key does. */
export type Command = z.infer<typeof command>;

export const TTL = 16;

/** What the function sees, as one text. */
export interface Sight {
  readonly key: string;
  readonly at: number;
  readonly seen: string;
}

export function programPipeline(disorder: number) {
  const commands = kinesis("commands", {
    schema: command,
    key: { key: (c) => c.key },
    eventTime: (c) => c.time,
    disorder: { millis: disorder },
    idle: "never",
    maxFuture: "unbounded",
  });
  return pipeline(
    "programs",
    (flow) => {
      flow
        .from(commands)
        .byKey.process("interpreter", {
          state: {
            one: value(z.number(), { initial: -1 }),
            many: list(z.number(), { ttl: { millis: TTL } }),
            named: map(z.string(), z.number(), { ttl: { millis: TTL } }),
            sum: reducing(z.number(), (a, b) => a + b, { ttl: { millis: TTL } }),
            onTimer: value(z.array(op), { initial: [] }),
          },
          timers: { a: eventTime, b: eventTime },
          *onRecord(record, { key, time, watermark, state, timers }) {
            state.onTimer.set(record.onTimer);
            perform(record.ops, state, timers);
            yield { key: key.key, at: time, seen: sight("record", state, timers, watermark) };
          },
          *onTimer(timer, { key, time, watermark, state, timers }) {
            perform(state.onTimer.get(), state, timers);
            yield { key: key.key, at: time, seen: sight(timer, state, timers, watermark) };
          },
        })
        .to(lake("sights", { key: text, at: timestamp, seen: text }));
    },
    { poison: { share: 1 } },
  );
}

interface Face {
  readonly one: { get(): number; set(to: number): void; clear(): void };
  readonly many: {
    get(): readonly number[];
    append(to: number): void;
    set(to: readonly number[]): void;
    clear(): void;
  };
  readonly named: {
    entries(): readonly (readonly [string, number])[];
    set(name: string, to: number): void;
    delete(name: string): void;
    clear(): void;
  };
  readonly sum: { get(): number | undefined; add(to: number): void; clear(): void };
}
interface Timers {
  readonly [name: string]: { readonly at: number | undefined; set(at: number): void; clear(): void };
}

function perform(ops: readonly Op[], state: Face, timers: Timers): void {
  for (const one of ops) {
    if (one.do === "set") state.one.set(one.to);
    else if (one.do === "append") state.many.append(one.to);
    else if (one.do === "replace") state.many.set(one.to);
    else if (one.do === "put") state.named.set(one.name, one.to);
    else if (one.do === "delete") state.named.delete(one.name);
    else if (one.do === "add") state.sum.add(one.to);
    else if (one.do === "clear") state[one.cell].clear();
    else if (one.do === "arm") timers[one.timer]!.set(one.at);
    else if (one.do === "disarm") timers[one.timer]!.clear();
    else throw new Error("as the program says");
  }
}

const sight = (what: string, state: Face, timers: Timers, watermark: number): string =>
  JSON.stringify([
    what,
    watermark,
    state.one.get(),
    state.many.get(),
    state.named.entries().toSorted(([a], [b]) => (a < b ? -1 : 1)),
    state.sum.get(),
    timers["a"]!.at,
    timers["b"]!.at,
  ]);

/** What a naive reader of the documentation would build: whole copies, no index, no table. */
export class NaiveInterpreter {
  readonly #disorder: number;
  #keys = new Map<string, NaiveKey>();
  #watermark = Number.MIN_SAFE_INTEGER;
  readonly sights: Sight[] = [];
  dead = 0;

  constructor(disorder: number) {
    this.#disorder = disorder;
  }

  record(record: Command): void {
    const before = structuredClone(this.#keys);
    const key = this.#key(record.key);
    key.onTimer = record.onTimer;
    try {
      this.#see(record.key, record.time, "record", record.ops, this.#watermark, undefined);
    } catch {
      this.#keys = before;
      this.dead++;
      this.#fire();
      return;
    }
    this.#watermark = Math.max(this.#watermark, record.time - this.#disorder);
    this.#fire();
  }

  drain(): void {
    this.#watermark = Number.MAX_SAFE_INTEGER;
    this.#fire();
  }

  #key(name: string): NaiveKey {
    let key = this.#keys.get(name);
    if (key === undefined)
      this.#keys.set(
        name,
        (key = { one: undefined, many: [], named: new Map(), sum: undefined, timers: new Map(), onTimer: [] }),
      );
    return key;
  }

  #fired = Number.MIN_SAFE_INTEGER;

  /** Timers in the order of their times. In a drain each once. */
  #fire(): void {
    const once = new Set<string>();
    const reached = this.#fired;
    for (;;) {
      const due = [...this.#keys]
        .flatMap(([name, { timers }]) => [...timers].map(([timer, at]) => ({ name, timer, at })))
        .filter(({ at }) => at <= this.#watermark)
        .sort((x, y) => x.at - y.at || (partKey(`s${x.name}`, x.timer) < partKey(`s${y.name}`, y.timer) ? -1 : 1))[0];
      if (due === undefined) break;
      const key = this.#key(due.name);
      key.timers.delete(due.timer);
      const id = `${due.name} ${due.timer}`;
      if (this.#watermark === Number.MAX_SAFE_INTEGER && once.has(id)) continue;
      once.add(id);
      const before = structuredClone(this.#keys);
      try {
        this.#see(due.name, due.at, due.timer, key.onTimer, Math.max(reached, due.at), due.at);
      } catch {
        this.#keys = before;
        this.dead++;
      }
    }
    this.#fired = this.#watermark;
  }

  #see(
    name: string,
    time: number,
    what: string,
    ops: readonly Op[],
    watermark: number,
    firing: number | undefined,
  ): void {
    const key = this.#key(name);
    const clock = Math.max(time, watermark);
    const lives = ({ until }: { until: number }) => until > clock;
    const face: Face = {
      one: { get: () => key.one ?? -1, set: (to) => (key.one = to), clear: () => (key.one = undefined) },
      many: {
        get: () => key.many.filter(lives).map(({ value: element }) => element),
        append: (to) => void key.many.push({ value: to, until: time + TTL }),
        set: (to) => (key.many = to.map((element) => ({ value: element, until: time + TTL }))),
        clear: () => (key.many = []),
      },
      named: {
        entries: () =>
          [...key.named].filter(([, entry]) => lives(entry)).map(([at, { value: to }]) => [at, to] as const),
        set: (at, to) =>
          key.named.set(at, { value: to, until: Math.max(key.named.get(at)?.until ?? time, time + TTL) }),
        delete: (at) => key.named.delete(at),
        clear: () => key.named.clear(),
      },
      sum: {
        get: () => (key.sum !== undefined && lives(key.sum) ? key.sum.value : undefined),
        add: (to) => {
          const before = key.sum !== undefined && lives(key.sum) ? key.sum.value : 0;
          key.sum = { value: before + to, until: Math.max(key.sum?.until ?? time, time + TTL) };
        },
        clear: () => (key.sum = undefined),
      },
    };
    const timer = (of: string) => ({
      get at() {
        return key.timers.get(of);
      },
      set: (at: number) => {
        if (firing !== undefined && at <= firing) throw new Error("sets itself for ever");
        key.timers.set(of, at);
      },
      clear: () => key.timers.delete(of),
    });
    const timers: Timers = { a: timer("a"), b: timer("b") };
    perform(ops, face, timers);
    this.sights.push({ key: name, at: time, seen: sight(what, face, timers, watermark) });
  }
}

interface NaiveKey {
  one: number | undefined;
  many: { value: number; until: number }[];
  readonly named: Map<string, { value: number; until: number }>;
  sum: { value: number; until: number } | undefined;
  readonly timers: Map<string, number>;
  onTimer: readonly Op[];
}

const time = fc.oneof(
  fc.integer({ min: -20, max: 120 }),
  fc.integer({ min: -1, max: 6 }).map((tens) => tens * 20),
);
const small = fc.integer({ min: -5, max: 5 });
const name = fc.constantFrom("x", "y", "", "__proto__", "1 x");
const timer = fc.constantFrom("a" as const, "b" as const);
type Shape = Readonly<Record<string, fc.Arbitrary<unknown>>>;
const doing = (what: Op["do"], shape: Shape = {}) =>
  fc.record({ do: fc.constant(what), ...shape }) as unknown as fc.Arbitrary<Op>;
const ops = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: doing("set", { to: small }) },
    { weight: 3, arbitrary: doing("append", { to: small }) },
    { weight: 1, arbitrary: doing("replace", { to: fc.array(small, { maxLength: 3 }) }) },
    { weight: 4, arbitrary: doing("put", { name, to: small }) },
    { weight: 2, arbitrary: doing("delete", { name }) },
    { weight: 2, arbitrary: doing("add", { to: small }) },
    { weight: 1, arbitrary: doing("clear", { cell: fc.constantFrom("one", "many", "named", "sum") }) },
    { weight: 4, arbitrary: doing("arm", { timer, at: time }) },
    { weight: 2, arbitrary: doing("disarm", { timer }) },
    { weight: 1, arbitrary: doing("throw") },
  ),
  { maxLength: 5 },
);

export const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.record({ key: fc.constantFrom("k", "l", "", "__proto__"), time, ops, onTimer: ops }),
  { maxLength: 25 },
);
