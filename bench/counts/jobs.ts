import { readFileSync } from "node:fs";
import type { Pipeline } from "millrace";
import flightDelays from "../../functions/aggregate-flight-delays/pipeline.ts";
import routes from "../../functions/rank-routes/pipeline.ts";
import type { Departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import { departuresIn } from "../engine/data.ts";
import { nexmarkEvents } from "../nexmark/generator/events.ts";
import { QUERIES } from "../nexmark/queries/index.ts";
import { settingsOf } from "../nexmark/run/nexmark.ts";

/** A pipeline over events that are always the same, cut into batches in the same way. */
export interface CountedJob {
  readonly name: string;
  readonly pipeline: Pipeline;
  /** Of every stream. */
  readonly shards: number;
  /** Records of the largest batch. */
  readonly batch: number;
  readonly events: () => Promise<Iterable<unknown>>;
  readonly partitionKey?: (event: unknown) => string;
}

const flights = (count: number, shards: number, batch: number): CountedJob => ({
  name: `flight delays, ${shards === 1 ? "1 shard" : `${shards} shards`}, ${batch.toLocaleString("en-US")} a batch`,
  pipeline: flightDelays,
  shards,
  batch,
  events: () => departures(count),
  partitionKey: (event) => (event as Departure).origin,
});

const q5 = QUERIES.find(({ name }) => name === "q5")!;

/** What CI counts: the main job with small and large batches, a pipeline of three stages, and a query of Nexmark. */
export const JOBS: readonly CountedJob[] = [
  flights(10_000, 1, 100),
  flights(20_000, 1, 1_000),
  flights(10_000, 4, 100),
  flights(20_000, 4, 1_000),
  {
    name: "routes of three stages, 2 shards, 1,000 a batch",
    pipeline: routes,
    shards: 2,
    batch: 1_000,
    events: () => departures(40_000),
  },
  {
    name: "Nexmark q5, 2 shards, 1,000 a batch",
    pipeline: q5.pipeline,
    shards: 2,
    batch: 1_000,
    events: async () => nexmarkEvents(settingsOf(q5, { events: 20_000, seed: 1 })),
  },
];

async function departures(count: number): Promise<Iterable<unknown>> {
  const { text } = await departuresIn(count);
  return readFileSync(text, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}
