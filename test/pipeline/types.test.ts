import {
  bigint,
  count,
  double,
  kinesis,
  lake,
  max,
  mean,
  nullable,
  pipeline,
  text,
  timestamp,
  tumbling,
  type Stream,
} from "millrace";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

const departure = z.object({
  origin: z.string(),
  flight: z.number(),
  at: z.number(),
  delay: z.number(),
  note: z.string().optional(),
});
const departures = kinesis("departures", {
  schema: departure,
  key: { origin: (d) => d.origin, flight: (d) => d.flight },
  eventTime: (d) => d.at,
  disorder: { hours: 6 },
});
const keyless = kinesis("keyless", { schema: departure, eventTime: (d) => d.at, disorder: {} });

test("the user's types flow through the fluent API", () => {
  pipeline("types", (flow) => {
    const stream = flow.from(departures);
    expectTypeOf(stream).toExtend<
      Stream<z.infer<typeof departure>, { readonly origin: string; readonly flight: number }>
    >();
    const noted = stream.filter("noted", (d): d is typeof d & { note: string } => d.note !== undefined);
    noted
      .map("note-of", (d) => {
        expectTypeOf(d.note).toEqualTypeOf<string>();
        return { text: d.note };
      })
      .to(lake("note_rows", { text }));
    const hourly = stream.byKey
      .window("hourly", tumbling({ hours: 1 }))
      .aggregate({ flights: count(), mean: mean((d) => d.delay), worst: max((d) => d.delay) });
    hourly
      .map("row", (row) => {
        expectTypeOf(row).toEqualTypeOf<{
          readonly origin: string;
          readonly flight: number;
          readonly windowStart: number;
          readonly windowEnd: number;
          readonly flights: number;
          readonly mean: number;
          readonly worst: number;
        }>();
        return { origin: row.origin };
      })
      .to(lake("rows", { origin: text }));
    hourly.late
      .map("late", (d) => {
        expectTypeOf(d.delay).toEqualTypeOf<number>();
        return { delay: d.delay };
      })
      .to(lake("late_rows", { delay: double }));
    // A window over a window's rows keeps the key.
    hourly.byKey
      .window("daily", tumbling({ days: 1 }))
      .aggregate({ worst: max((row) => row.worst) })
      .to(
        lake("daily_rows", {
          origin: text,
          flight: bigint,
          windowStart: timestamp,
          windowEnd: timestamp,
          worst: double,
          note: nullable(text),
        }),
      );
    stream
      .flatMap("pairs", function* (d) {
        yield d.origin;
        yield d.delay;
      })
      .map("wrap", (x) => {
        expectTypeOf(x).toEqualTypeOf<string | number>();
        return { x: String(x) };
      })
      .to(lake("pair_rows", { x: text }));
  });
});

test("a wrong pipeline does not compile, and does not build either", () => {
  const wrong: Record<string, () => void> = {
    "byKey without a key": () =>
      pipeline("p", (flow) => {
        // @ts-expect-error -- the source declares no key
        // eslint-disable-next-line @typescript-eslint/no-unsafe-call -- there is nothing to call: that is the point
        flow.from(keyless).byKey.window("w", tumbling({ hours: 1 }));
      }),
    "an aggregate named like the key": () =>
      pipeline("p", (flow) => {
        const window = flow.from(departures).byKey.window("w", tumbling({ hours: 1 }));
        // @ts-expect-error -- `origin` is the key's
        window.aggregate({ origin: count() });
      }),
    "an aggregate named like a window's column": () =>
      pipeline("p", (flow) => {
        const window = flow.from(departures).byKey.window("w", tumbling({ hours: 1 }));
        // @ts-expect-error -- `windowEnd` is the window's
        window.aggregate({ windowEnd: count() });
      }),
    keyBy: () =>
      pipeline("p", (flow) => {
        flow
          .from(departures)
          .keyBy("by-flight", { flight: (d) => d.flight })
          .window("w", tumbling({ hours: 1 }));
      }),
    "a filter that is none": () =>
      pipeline("p", (flow) => {
        // @ts-expect-error -- no function
        flow.from(departures).filter("f", true).to(lake("x", {}));
      }),
  };
  for (const [name, build] of Object.entries(wrong)) expect(build, name).toThrow(/pipeline\("p"\): /);
});

test("a row that does not fit its sink does not compile", () => {
  pipeline("rows", (flow) => {
    const hourly = flow
      .from(departures)
      .byKey.window("h", tumbling({ hours: 1 }))
      .aggregate({ flights: count() });
    const key = { origin: text, flight: bigint, windowStart: timestamp, windowEnd: timestamp };
    hourly.to(lake("fits", { ...key, flights: bigint, note: nullable(text) }));
    // @ts-expect-error -- the sink wants a field `worst` that the row has not
    hourly.to(lake("missing", { ...key, flights: bigint, worst: double }));
    // @ts-expect-error -- the row has a field `flights` without a column
    hourly.to(lake("extra", key));
    // @ts-expect-error -- `flights` is a number, the column wants text
    hourly.to(lake("wrong", { ...key, flights: text }));
  });
});

test("a metric sees its stream's values, and leaves the stream as it is", () => {
  pipeline("metrics", (flow) => {
    const stream = flow.from(departures);
    const same = stream.metric("delays", {
      value: (d) => d.delay,
      dimensions: { origin: { of: (d) => d.origin, values: ["ORD"] } },
    });
    expectTypeOf(same).toEqualTypeOf(stream);
    // @ts-expect-error the field is not there
    stream.metric("nothing", { value: ({ nothing }: { nothing: number }) => nothing });
    // @ts-expect-error a sum is of numbers
    stream.metric("texts", { value: (d) => d.origin });
    const rows = stream.byKey.window("hours", tumbling({ hours: 1 })).aggregate({ flights: count() });
    const counted = rows.metric("flights", { value: (row) => row.flights });
    expectTypeOf(counted).toEqualTypeOf(rows);
    void counted.late;
  });
});
