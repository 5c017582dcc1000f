import { bigint, count, explain, kinesis, lake, pipeline, sliding, text, timestamp, tumbling } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";

const events = (name: string, key?: { page: (event: { page: string }) => string }) =>
  kinesis(name, {
    schema: z.object({ page: z.string(), user: z.string(), at: z.number() }),
    ...(key && { key }),
    eventTime: (event) => event.at,
    disorder: { minutes: 1 },
  });
const counts = (name: string, field: "page" | "user") =>
  lake(name, { [field]: text, windowStart: timestamp, windowEnd: timestamp, events: bigint });

const web = pipeline("web", (flow) => {
  const views = flow
    .from(events("views", { page: (event) => event.page }))
    .filter("known", (event) => event.page !== "");
  views.byKey
    .window("hours", tumbling({ hours: 1 }))
    .aggregate({ events: count() })
    .to(counts("per_page", "page") as never);
  const all = views.union("all", flow.from(events("clicks")));
  all
    .keyBy("by-user", { user: (event) => event.user })
    .window("minutes", tumbling({ minutes: 1 }))
    .aggregate({ events: count() })
    .to(counts("per_user", "user") as never);
  all
    .keyBy("by-visit", { user: (event) => event.user })
    .window("visits", sliding({ preceding: { minutes: 30 } }))
    .aggregate({ events: count() })
    .to(counts("visits_of_user", "user") as never);
});

test("a plan says what each stage reads and runs, why there is a shuffle, and what is aggregated before it", () => {
  const measured = new Map([["by-user", { folded: 1_000, sent: 50 }]]);
  expect(explain(web, measured)).toBe(`pipeline web

stage views: reads the kinesis source views, partitioned by its own key (page)
  filter known, after views
  window hours: tumbling per page of events, after known
  sink per_page, after hours
  union all, after known and clicks
  keyBy by-user: a shuffle to stage by-user, after all
    because records are partitioned by page, and equal user are wanted in one place (64 key groups)
    aggregated before, per batch, key and window of minutes
    measured: 50 elements sent for 1,000 records, 95.0 % fewer
  keyBy by-visit: a shuffle to stage by-visit, after all
    because records are partitioned by page, and equal user are wanted in one place (64 key groups)
    every record is sent, as it is at the keyBy: windows of "visits" depend on the records that came before

stage clicks: reads the kinesis source clicks, partitioned by a key that it does not declare
  union all, after known and clicks
  keyBy by-user: a shuffle to stage by-user, after all
    because the source declares no key, so equal keys are on any of its shards, and equal user are wanted in one place (64 key groups)
    aggregated before, per batch, key and window of minutes
    measured: 50 elements sent for 1,000 records, 95.0 % fewer
  keyBy by-visit: a shuffle to stage by-visit, after all
    because the source declares no key, so equal keys are on any of its shards, and equal user are wanted in one place (64 key groups)
    every record is sent, as it is at the keyBy: windows of "visits" depend on the records that came before

stage by-user: reads the internal stream by-user, which views and clicks write to
  window minutes: tumbling per user of events, after by-user
  sink per_user, after minutes

stage by-visit: reads the internal stream by-visit, which views and clicks write to
  window visits: sliding per user of events, after by-visit
  sink visits_of_user, after visits
`);
});
