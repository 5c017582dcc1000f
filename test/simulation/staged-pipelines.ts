import {
  bigint,
  custom,
  eventTime,
  kinesis,
  lake,
  list,
  pipeline,
  session,
  side,
  text,
  timestamp,
  tumbling,
  hopping,
  type Duration,
} from "millrace";
import * as z from "zod";
import { identified } from "./id-pipeline.ts";

export interface StagedOptions {
  readonly disorder: Duration;
  readonly allowedLateness: Duration;
  readonly idle: Duration | "never";
  /** Whether producers aggregate before they send. */
  readonly preAggregate: boolean;
}

/** An event that some user code throws on, and another breaks its window. */
const checked = (e: z.infer<typeof identified>) => {
  if (e.does === "throw") throw new Error("user code throws");
  return { ...e, id: e.does === "break-its-window" ? e.id + 0.5 : e.id };
};

/** Ids in ascending order, however they came together: behind a shuffle there is no order. */
const idsOf = <T>(of: (value: T) => readonly number[]) =>
  custom<T, number[], string>({
    state: z.array(z.number()),
    init: () => [],
    add: (ids, value) => [...ids, ...of(value)].sort((a, b) => a - b),
    merge: (a, b) => [...a, ...b].sort((a, b) => a - b),
    result: (ids) => {
      if (ids.some((id) => id % 1 !== 0)) throw new Error("this window cannot be written");
      return ids.join(" ");
    },
  });

const ids = idsOf<{ readonly id: number }>(({ id }) => [id]);
const idsOfChecked = idsOf<z.infer<typeof identified>>((e) => [checked(e).id]);
const idsIn = idsOf<{ readonly ids: string }>(({ ids }) => (ids === "" ? [] : ids.split(" ").map(Number)));

const columns = { windowStart: timestamp, windowEnd: timestamp, ids: text };
const perRegion = { region: bigint, ...columns };
const perKey = { key: text, ...columns };

export const regionOf = (key: string): number => key.length + (key.codePointAt(key.length - 1)! % 3);

const source = ({ disorder, idle }: StagedOptions, isKeyed: boolean) =>
  kinesis("events", {
    schema: identified,
    ...(isKeyed && { key: { key: (e: z.infer<typeof identified>) => e.key } }),
    eventTime: (e) => e.time,
    disorder,
    idle,
    maxFuture: "unbounded",
  });

/** Records with random partition keys: one shuffle. */
const grouped = (of: StagedOptions) =>
  pipeline("grouped", (flow) => {
    const { allowedLateness, preAggregate } = of;
    const events = flow
      .from(source(of, false))
      .filter("wanted", (e) => e.does !== "skip")
      .map("checked", checked);
    const windows = events
      .keyBy("by-key", { key: (e) => e.key }, { preAggregate })
      .window("tens", tumbling({ seconds: 10 }), { allowedLateness })
      .aggregate({ ids });
    windows.to(lake("rows", perKey));
    // Comes after what was aggregated: that is undone then.
    events
      .filter("audited", ({ does }) => {
        if (does === "break-after-its-window") throw new Error("this event cannot be audited");
        return false;
      })
      .map("of-audit", ({ id }) => ({ ids: String(id) }))
      .to(lake("audits", { ids: text }));
  });

/** A side output that is shuffled: what is late is counted by region. */
const lateShuffled = (of: StagedOptions) =>
  pipeline("late-shuffled", (flow) => {
    const { allowedLateness, preAggregate } = of;
    const windows = flow
      .from(source(of, true))
      .filter("wanted", (e) => e.does !== "skip")
      .byKey.window("tens", tumbling({ seconds: 10 }), { allowedLateness })
      .aggregate({ ids });
    windows.to(lake("rows", perKey));
    windows.late
      .map("checked", checked)
      .keyBy("late-by-region", { region: ({ key }) => regionOf(key) }, { preAggregate })
      .window("late-minutes", tumbling({ minutes: 1 }), { allowedLateness: { minutes: 5 } })
      .aggregate({ ids })
      .to(lake("late_rows", perRegion));
  });

/** Window, then another key, then a window of windows; the last one in a third stage. */
const windowsOfWindows = (of: StagedOptions) =>
  pipeline("windows-of-windows", (flow) => {
    const { allowedLateness, preAggregate } = of;
    const tens = flow
      .from(source(of, false))
      .filter("wanted", (e) => e.does !== "skip")
      .keyBy("by-key", { key: (e) => e.key }, { preAggregate })
      .window("tens", tumbling({ seconds: 10 }), { allowedLateness })
      .aggregate({ ids: idsOfChecked });
    const minutes = tens
      .keyBy("by-region", { region: ({ key }) => regionOf(key) }, { preAggregate })
      .window("minutes", hopping({ size: { minutes: 1 }, every: { seconds: 30 } }))
      .aggregate({ ids: idsIn });
    minutes.to(lake("minute_rows", perRegion));
    tens.to(lake("rows", perKey));
  });

/** What a process function holds until its key's ten seconds are over, in sessions of another key. */
const processed = (of: StagedOptions) =>
  pipeline("processed", (flow) => {
    const held = flow
      .from(source(of, false))
      .filter("wanted", (e) => e.does !== "skip")
      .keyBy("by-key", { key: (e) => e.key })
      .process("held", {
        state: { ids: list(z.number()) },
        timers: { over: eventTime },
        sides: { odd: side<{ readonly id: number; readonly key: string }>() },
        onRecord(e, { state, timers, side }) {
          const { id } = checked(e);
          if (id % 7 === 3) side.odd({ id: Math.floor(id), key: e.key });
          else {
            state.ids.append(Math.floor(id));
            timers.over.set((Math.floor(e.time / 10_000) + 1) * 10_000);
          }
        },
        *onTimer(_timer, { state, key }) {
          const all = state.ids.get();
          state.ids.clear();
          for (const id of all) yield { id, key: key.key };
        },
      });
    held
      .keyBy("by-region", { region: ({ key }) => regionOf(key) })
      .window("visits", session({ gap: { seconds: 7 } }), { allowedLateness: of.allowedLateness })
      .aggregate({ ids })
      .to(lake("rows", perRegion));
    held.side.odd
      .keyBy("odd-by-region", { region: ({ key }) => regionOf(key) })
      .window("odd-tens", tumbling({ seconds: 10 }), { allowedLateness: of.allowedLateness })
      .aggregate({ ids })
      .to(lake("odd_rows", perRegion));
  });

/** Two stages write to a third. */
const united = (of: StagedOptions) =>
  pipeline("united", (flow) => {
    const { allowedLateness, preAggregate } = of;
    const wanted = flow
      .from(source(of, false))
      .filter("wanted", (e) => e.does !== "skip")
      .map("checked", checked);
    const even = wanted
      .filter("even", ({ id }) => Math.floor(id) % 2 === 0)
      .keyBy("by-key", { key: (e) => e.key }, { preAggregate })
      .window("tens", tumbling({ seconds: 10 }), { allowedLateness })
      .aggregate({ ids })
      .map("of-window", ({ key, ids }) => ({ key, ids }));
    const odd = wanted
      .filter("odd", ({ id }) => Math.floor(id) % 2 === 1)
      .keyBy("odd-by-key", { key: ({ key }) => key })
      .process("each", {
        *onRecord({ key, id }) {
          yield { key, ids: String(id) };
        },
      });
    even
      .union("all", odd)
      .keyBy("by-key-again", { key: ({ key }) => key }, { preAggregate })
      .window("minutes", tumbling({ minutes: 1 }))
      .aggregate({ ids: idsIn })
      .to(lake("rows", perKey));
  });

/** Whether an event says what its region is from its time on: an even id, or nothing any more. Of one time the greater id counts. */
export const isVersion = ({ id }: { readonly id: number }): boolean => id % 3 === 0;
export const NO_VERSION = -1;
export const versionIn = (id: number): number | undefined => (id % 2 === 0 ? id : undefined);

/** Each event with what its region was at its time. What comes late leaves by other ways. */
const joined = (of: StagedOptions) =>
  pipeline("joined", (flow) => {
    const events = flow
      .from(source(of, false))
      .filter("wanted", (e) => e.does !== "skip")
      .map("checked", checked);
    const versions = events.filter("versions", isVersion).toTable("versions-by-region", {
      key: { region: ({ key }) => regionOf(key) },
      row: ({ id }) => versionIn(id),
      order: ({ id }) => id,
      keepRemoved: { seconds: 30 },
    });
    const joined = events.keyBy("by-region", { region: ({ key }) => regionOf(key) }).join(
      "with-version",
      versions,
      ({ id }, version) => {
        if (id % 1 !== 0) throw new Error("this event cannot be joined");
        return { ids: String(id), version: version ?? NO_VERSION };
      },
      { allowedLateness: of.allowedLateness },
    );
    joined.to(lake("rows", { ids: text, version: bigint }));
    joined.late.map("late-ids", ({ id }) => ({ ids: String(id) })).to(lake("late_rows", { ids: text }));
    joined.lateChanges
      .map("late-versions", ({ at, row }) => ({ ids: "", at, version: row ?? NO_VERSION }))
      .to(lake("late_versions", { ids: text, at: timestamp, version: bigint }));
  });

/** Pipelines of several stages, and how often each id is in rows that are made of all records that are wanted. */
export const STAGED = { grouped, lateShuffled, windowsOfWindows, processed, united, joined };
