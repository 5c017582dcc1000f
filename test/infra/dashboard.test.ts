import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { kafka, kinesis, lake, pipeline, sqsQueue, text, timestamp, type Pipeline } from "millrace";
import { selfManaged, unauthenticated } from "millrace/cdk";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { z } from "zod";
import flightDelays from "../../functions/aggregate-flight-delays/pipeline.ts";
import routes from "../../functions/rank-routes/pipeline.ts";
import earthquakes from "../../functions/track-earthquakes/pipeline.ts";
import { Telemetry } from "../../lib/lambda/telemetry.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { systemicError } from "../../lib/errors.ts";
import { parseTaskName } from "../../lib/state/task-id.ts";
import { askedByAlarms, askedByDashboard, seriesText, widgetsOf } from "../support/dashboards.ts";
import { EmittedMetrics } from "../support/emitted-metrics.ts";
import { provisioned } from "./synthesized.ts";

const HOUR = 3_600_000;

/** Events of a few keys, over days, so that windows of every stage close; among them some of one key more than of others. */
const eventsOf = {
  "flight-delays": (i: number) => flight(i),
  routes: (i: number) => flight(i),
  earthquakes: (i: number) => ({
    network: ["hv", "ak", "ci", "nc", "us", "uw"][i % 6]!,
    id: `q${i}`,
    type: i % 10 === 0 ? "explosion" : "earthquake",
    magnitude: (i % 40) / 10,
    place: "near Hilo",
    occurredAt: timeOf(i),
  }),
};

/** One in fifty comes after its window has closed. */
const timeOf = (i: number): number => i * HOUR - (i % 50 === 49 ? 6 * 24 * HOUR : 0);

const flight = (i: number) => ({
  origin: i % 3 === 0 ? "JFK" : "ORD",
  destination: ["DEN", "ATL", "SEA"][i % 4 === 0 ? 0 : i % 3]!,
  departedAt: timeOf(i),
  delay: i % 60,
  distance: i % 10 === 0 ? 50 : 900,
});

const shipped: readonly (readonly [Pipeline, source: string, keyOf: (event: never) => string])[] = [
  [flightDelays, "departures", ({ origin }: { origin: string }) => origin],
  [routes, "departures", ({ origin }: { origin: string }) => origin],
  [earthquakes, "quakes", ({ network }: { network: string }) => network],
];

/** Runs a pipeline as functions do, with their telemetry. @returns the series that CloudWatch would have */
async function emittedBy([deployed, source, keyOf]: (typeof shipped)[number], emitted: EmittedMetrics) {
  const telemetries = new Map(
    planStages(deployed).map(({ name: stage }) => {
      const identity = { deployment: "test", pipeline: deployed.name, stage };
      return [stage, new Telemetry(identity, () => 0)] as const;
    }),
  );
  const run = new MemoryPipeline(deployed, {
    start: 2_000 * HOUR,
    onMeasured: (task, ...committed) => telemetries.get(parseTaskName(task).stage)!.measured(task, ...committed),
    onTurn: (report) => {
      const telemetry = telemetries.get(parseTaskName(report.task).stage)!;
      telemetry.turn(report);
      // What the handler adds.
      telemetry.latencies(
        [{ position: { sequence: "1", index: 0 }, arrival: 0, partitionKey: "k", base64: "" }],
        report,
      );
    },
  });
  for (let i = 0; i < 1_600; i++) {
    const event = eventsOf[deployed.name as keyof typeof eventsOf](i);
    run.put(source, event, keyOf(event as never));
  }
  await run.run();
  await run.advance(24 * HOUR);
  await run.drain();
  for (const telemetry of telemetries.values()) {
    telemetry.breaker("a-sink", "open");
    telemetry.retried();
    telemetry.lost("t", { from: "1", to: "2" });
    telemetry.failed("t", systemicError({ code: "test", message: "A turn that failed." }));
    telemetry.lost("t", { from: "1", to: "2" });
    telemetry.metrics.publishStoredMetrics();
  }
  return emitted.take();
}

/** Every metric that any of them emitted: name, unit, dimensions. */
const described = new Set<string>();

describe.each(shipped)("$name", (...one) => {
  const [deployed] = one;
  const template = provisioned(deployed);
  const series = new Set<string>();
  beforeAll(async () => {
    const emitted = new EmittedMetrics();
    for (const found of await emittedBy(one, emitted)) series.add(seriesText(found));
    for (const one of emitted.described) described.add(one);
  });
  afterAll(() => vi.restoreAllMocks());

  test("what graphs and alarms ask of the functions is what they emit, with exactly these dimensions", () => {
    const asked = [...askedByDashboard(template), ...askedByAlarms(template)]
      .filter(({ namespace }) => namespace.startsWith("Millrace"))
      .map(seriesText);
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((one) => !series.has(one))).toEqual([]);
  });

  test("every stateful operator, every other operator and every sink appears, by its stage", () => {
    const shown = new Set(
      askedByDashboard(template).map(
        ({ name, dimensions }) => `${name} ${dimensions["stage"]} ${dimensions["operator"]}`,
      ),
    );
    for (const stage of planStages(deployed)) {
      for (const index of stage.nodes) {
        const { kind, name } = deployed.nodes[index]!;
        if (kind === "side" || kind === "union") continue;
        expect(shown).toContain(`OperatorRecordsIn ${stage.name} ${name}`);
        if (kind === "window") expect(shown).toContain(`StateEntries ${stage.name} ${name}`);
      }
    }
  });
});

test("docs/observability.md has every metric that is emitted, with its unit and dimensions, and no other", () => {
  const document = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");
  const rows = [...document.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([\w, ]+?) +\|/gm)];
  expect(rows.map(([, name, unit, dimensions]) => `${name} | ${unit} | ${dimensions}`).toSorted()).toEqual(
    [...described].toSorted(),
  );
});

test("how far reading is behind is asked of who knows: Lambda of streams and topics, a queue itself", () => {
  const schema = z.object({ id: z.string() });
  const time = { schema, eventTime: () => 0, disorder: {} };
  const sources = {
    clicks: kinesis("clicks", time),
    orders: sqsQueue("orders", { schema }),
    topic: kafka("topic", time),
  };
  const cluster = selfManaged({ bootstrapServers: ["kafka:9092"], auth: unauthenticated() });
  const behind = Object.entries(sources).map(([name, source]) => {
    const counted = pipeline("counted", (flow) => void flow.from(source as typeof sources.clicks).metric("seen"));
    const asked = askedByDashboard(
      provisioned(counted, { ...(name === "topic" && { kafka: { topic: { cluster } } }) }),
    );
    return asked.map((one) => one.name).filter((one) => /^(IteratorAge|OffsetLag|ApproximateAge.*)$/.test(one));
  });
  expect(behind).toEqual([["IteratorAge"], ["ApproximateAgeOfOldestMessage"], ["OffsetLag"]]);
});

describe("the cost of a million events", () => {
  const views = (name: string) =>
    kinesis(name, {
      schema: z.object({ page: z.string(), at: z.number() }),
      eventTime: (e) => e.at,
      disorder: { minutes: 1 },
    });
  const twoSources = pipeline("two-sources", (flow) => {
    flow
      .from(views("clicks"))
      .union("all", flow.from(views("views")))
      .keyBy("by-page", { page: (view) => view.page })
      .deduplicate("once", { id: (view) => view.at, within: { hours: 1 } })
      .to(lake("viewed", { page: text, at: timestamp }));
  });
  const costs = (props = {}) =>
    widgetsOf(provisioned(twoSources, props))
      .find(({ properties }) => properties.title === "Dollars for a million events")!
      .properties.metrics!.flatMap(([first]) =>
        typeof first === "object" ? [first as { expression: string; label: string }] : [],
      )
      .filter(({ expression }) => expression !== undefined);

  test("is divided by what came in at the sources, and by no later stage's", () => {
    for (const { expression } of costs()) expect(expression).toMatch(/\/\(FILL\(events0,0\)\+FILL\(events1,0\)\)$/);
  });

  test("is told by service; streams on demand are left out", () => {
    expect(costs().map(({ label }) => label)).toEqual(["Lambda", "DynamoDB", "S3", "Firehose", "Kinesis"]);
    const onDemand = costs({ stream: { mode: "on-demand" } });
    expect(onDemand.map(({ label }) => label)).toEqual(["Lambda", "DynamoDB", "S3", "Firehose"]);
  });

  test("of a function goes with its memory", () => {
    const ofMillionMillis = (memory: number) =>
      Number(/lambda0,0\)\*([\d.]+)/.exec(costs({ function: { memory } })[0]!.expression)![1]);
    expect(ofMillionMillis(1_024)).toBeCloseTo(0.0000133334 * 1_000, 9);
    expect(ofMillionMillis(2_048) / ofMillionMillis(1_024)).toBeCloseTo(2, 9);
  });

  test("is made of numbers that CloudWatch's metric math takes: none has an exponent", () => {
    for (const { expression } of costs()) expect(expression).not.toMatch(/\d(e|E)[-+\d]/);
  });
});
