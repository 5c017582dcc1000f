import {
  bigint,
  count,
  countWindow,
  cumulative,
  custom,
  hopping,
  kinesis,
  lake,
  pipeline,
  session,
  sliding,
  text,
  timestamp,
  type Duration,
} from "millrace";
import * as z from "zod";

const event = z.object({
  id: z.number(),
  key: z.string(),
  time: z.number(),
  /** Of its own session. */
  gapSeconds: z.number(),
  isPoison: z.boolean(),
});
export type Timed = z.infer<typeof event>;

/** The ids of a window, in order; a poison event throws once it is in. */
const ids = custom<Timed, number[], string>({
  state: z.array(z.number()),
  init: () => [],
  add: (all, { id, isPoison }) => {
    all.push(id);
    if (isPoison) throw new Error("poison");
    return all;
  },
  merge: (a, b) => [...a, ...b],
  result: (all) => all.toSorted((a, b) => a - b).join(" "),
});

/** Windows of all kinds over one stream. */
export function windowsPipeline(times: {
  readonly disorder: Duration;
  readonly allowedLateness: Duration;
  readonly idle: Duration | "never";
}) {
  const { allowedLateness } = times;
  const events = kinesis("events", {
    schema: event,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: times.disorder,
    idle: times.idle,
    maxFuture: "unbounded",
  });
  const columns = { key: text, windowStart: timestamp, windowEnd: timestamp, ids: text };
  return pipeline("all-windows", (flow) => {
    const { byKey } = flow.from(events);
    const visits = byKey
      .window("visits", session<Timed>({ gap: (e) => ({ seconds: e.gapSeconds }) }), { allowedLateness })
      .aggregate({ ids });
    visits.to(lake("visit_rows", columns));
    visits.late.map("late-id", ({ id }) => ({ id })).to(lake("late_rows", { id: bigint }));
    visits.byKey
      .window("visits-so-far", cumulative({ size: { minutes: 1 }, step: { seconds: 20 } }))
      .aggregate({ visits: count() })
      .to(lake("visits_so_far", { key: text, windowStart: timestamp, windowEnd: timestamp, visits: bigint }));
    byKey
      .window("hops", hopping({ size: { seconds: 30 }, every: { seconds: 10 } }), { allowedLateness })
      .aggregate({ ids })
      .to(lake("hop_rows", columns));
    byKey
      .window("recent", sliding({ preceding: { seconds: 15 } }), { allowedLateness })
      .aggregate({ ids })
      .to(lake("recent_rows", columns));
    byKey.window("threes", countWindow(3)).aggregate({ ids }).to(lake("three_rows", columns));
    byKey
      .window("early-visits", session({ gap: { seconds: 10 } }), {
        trigger: { early: { records: 2 } },
        accumulation: "retracting",
      })
      .aggregate({ ids })
      .to(lake("early_rows", { ...columns, pane: text, paneIndex: bigint, sign: bigint }));
  });
}
