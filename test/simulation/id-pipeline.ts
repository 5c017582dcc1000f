import { bigint, custom, kinesis, lake, pipeline, text, timestamp, tumbling, type Duration } from "millrace";
import * as z from "zod";

/** An event that can be told from every other, wherever it ends up. */
export const identified = z.object({
  id: z.number(),
  key: z.string(),
  time: z.number(),
  /** What user code does with it. */
  does: z.enum(["count", "skip", "throw", "break-its-window", "break-after-its-window"]),
});
export type Identified = z.infer<typeof identified>;

export interface IdPipelineOptions {
  readonly disorder: Duration;
  readonly allowedLateness: Duration;
  readonly idle: Duration | "never";
}

/** Ids of events that do harm later are told from others. */
const marked = (id: number, does: Identified["does"]): number =>
  does === "break-its-window" ? -id - 1 : does === "break-after-its-window" ? id + 0.5 : id;

/** The id that was marked. */
export const unmarked = (id: number): number => (id < 0 ? -id - 1 : Math.floor(id));

/** All ids of a window, as one text. */
const idsOf = custom<Identified, number[], string>({
  state: z.array(z.number()),
  init: () => [],
  add: (ids, { id, does }) => [...ids, marked(id, does)],
  merge: (a, b) => [...a, ...b],
  result: (ids) => {
    if (ids.some((id) => id < 0)) throw new Error("this window cannot be written");
    return ids.join(" ");
  },
});

const count = custom<{ readonly ids: string }, number, number>({
  state: z.number(),
  init: () => 0,
  add: (n, { ids }) => n + ids.split(" ").length,
  merge: (a, b) => a + b,
  result: (n) => n,
});

/** Windows of ten seconds that carry their events' ids, minutes made of those, an audit of the windows, and late events. */
export function idPipeline({ disorder, allowedLateness, idle }: IdPipelineOptions) {
  const events = kinesis("events", {
    schema: identified,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder,
    idle,
    maxFuture: "unbounded",
  });
  return pipeline("identified", (flow) => {
    const windows = flow
      .from(events)
      .filter("wanted", (e) => e.does !== "skip")
      .map("checked", (e) => {
        if (e.does === "throw") throw new Error("user code throws");
        return e;
      })
      .byKey.window("tens", tumbling({ seconds: 10 }), { allowedLateness })
      .aggregate({ ids: idsOf });
    windows.to(lake("rows", { key: text, windowStart: timestamp, windowEnd: timestamp, ids: text }));
    windows.late
      .map("of-late", ({ id, key, time }) => ({ id, key, time }))
      .to(lake("late", { id: bigint, key: text, time: timestamp }));
    windows.byKey
      .window("minutes", tumbling({ minutes: 1 }))
      .aggregate({ events: count })
      .to(lake("per_minute", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint }));
    windows
      .map("audited", ({ key, windowStart, ids }) => {
        if (ids.includes(".5")) throw new Error("this window cannot be audited");
        return { key, windowStart };
      })
      .to(lake("audits", { key: text, windowStart: timestamp }));
  });
}
