import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import routes from "../../functions/rank-routes/pipeline.ts";
import { sampledTrace } from "../../lib/state/traceparent.ts";
import type { FeedEvent } from "./feed.ts";
import { Printer } from "./print.ts";
import { reportTraces, spansIn, withTraces } from "./traces.ts";

async function* events(total: number): AsyncGenerator<FeedEvent> {
  for (let n = 0; n < total; n++) yield { n, partitionKey: "k", event: `{"n":${n}}` };
}

test.each([
  [1, 10, [0]],
  [3, 10, [0, 3, 6]],
  [10, 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [20, 5, [0, 1, 2, 3, 4]],
])("%i of %i events have a trace of their own, and the others stay as they are", async (traced, total, expected) => {
  const chosen: number[] = [];
  const traces = new Set<string>();
  for await (const { n, event } of withTraces(events(total), { traced, total })) {
    const { traceparent, ...rest } = JSON.parse(event) as { readonly n: number; readonly traceparent?: string };
    expect(rest).toEqual({ n });
    if (traceparent === undefined) expect(event).toBe(`{"n":${n}}`);
    else {
      chosen.push(n);
      traces.add(sampledTrace(traceparent)!);
    }
  }
  expect(chosen).toEqual(expected);
  expect(traces.size).toBe(expected.length);
});

test("paths are read out of the logs of all functions, and printed stage after stage", async () => {
  const traceId = "0".repeat(31) + "1";
  const spanOf = (stage: string, epoch: number, start: number, outputs: object) => {
    const task = `routes:0:${stage}:${stage}.0:shard`;
    const attributes = { "millrace.task": task, "millrace.epoch": epoch };
    const link = { traceId, spanId: "1".repeat(16), attributes: outputs };
    const span = { name: "commit", startTimeUnixNano: `${start}000000`, attributes, links: [link] };
    return JSON.stringify({ level: "INFO", message: "span", ...span });
  };
  const logs = await mkdtemp(path.join(tmpdir(), "traces-"));
  try {
    const ids = (stage: string, epoch: number, ...places: number[]) =>
      places.map((n) => `routes:0:${stage}:${stage}.0:shard@${epoch}#${n}`);
    const rows = spanOf("by-route", 7, 30, {
      "millrace.outputs.daily_routes": ids("by-route", 7, 3, 4),
      "millrace.outputs.dropped": 2,
    });
    const folded = spanOf("by-route", 6, 9, {});
    const sent = spanOf("departures", 2, 10, { "millrace.outputs.by-route": ids("departures", 2, 1) });
    await writeFile(path.join(logs, "b.log"), `{"message":"turn"}\n${rows}\n${folded}\n{"message":"span","na`);
    await writeFile(path.join(logs, "a.log"), `START\n${sent}\n`);
    await writeFile(path.join(logs, "notes.txt"), sent);
    const spans = await spansIn(logs);
    expect(spans.map(({ attributes }) => attributes["millrace.epoch"])).toEqual([6, 2, 7]);
    const out = new PassThrough();
    reportTraces(routes, spans, new Printer(out as unknown as NodeJS.WriteStream));
    expect((out.read() as Buffer).toString().trim().split("\n")).toEqual([
      "The paths of 1 traced record",
      `  trace ${traceId}`,
      "    routes:0:departures:departures.0:shard@2  to stage by-route #1",
      "    routes:0:by-route:by-route.0:shard@6  folded",
      "    routes:0:by-route:by-route.0:shard@7  row of daily_routes #3 #4, and 2 more",
    ]);
  } finally {
    await rm(logs, { recursive: true });
  }
});
