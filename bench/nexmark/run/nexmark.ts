import path from "node:path";
import { agrees, type Comparison } from "../../../localstack/start/compare.ts";
import { toMillis } from "../../../lib/time/duration.ts";
import { nexmarkEvents } from "../generator/events.ts";
import { DEFAULTS, DISORDER_STRIDE, type GeneratorSettings } from "../generator/settings.ts";
import type { NexmarkQuery } from "../queries/query.ts";
import { Cluster, type ClusterReport } from "./cluster.ts";
import { Oracle } from "./oracle.ts";
import { RowFile } from "./rows.ts";

export interface NexmarkOptions {
  readonly events: number;
  readonly seed: number;
  /** Shards of every stream. */
  readonly shards: number;
  /** Records of the largest batch. */
  readonly batch: number;
  readonly faultRate?: number;
  /** Where files go. */
  readonly directory: string;
  /** Is told as events are read. */
  readonly progress?: (query: NexmarkQuery, events: number) => void;
}

/** How a query went. */
export interface QueryResult {
  readonly query: NexmarkQuery;
  readonly comparison: Comparison;
  readonly report: ClusterReport;
  /** Rows that the sink was given more than once. */
  readonly again: number;
}

export const isRight = ({ comparison, report }: QueryResult): boolean =>
  agrees(comparison) && report.late === 0 && report.deadLetters.length === 0;

/** How much event time the events take at the least: ten windows of ten seconds. */
const LEAST_SPAN = 100_000;

/** Events come in disorder within a second: the sources wait for four. */
const DISORDER = 1_000;

/**
 * The events of a query. They come at the published rate, or slower where there would be too few windows otherwise,
 * and in disorder, which is off in the published defaults.
 */
export function settingsOf(
  query: NexmarkQuery,
  { events, seed }: Pick<NexmarkOptions, "events" | "seed">,
): GeneratorSettings {
  const span = query.span === undefined ? LEAST_SPAN : toMillis(query.span, query.name);
  const rate = Math.min(DEFAULTS.rate, (events * 1_000) / span);
  const group = Math.max(1, Math.floor((Math.min(1_000, rate) * DISORDER) / 1_000));
  const disorderGroup = group % DISORDER_STRIDE === 0 ? group - 1 : group;
  return { ...DEFAULTS, start: query.start ?? DEFAULTS.start, events, seed, rate, disorderGroup };
}

/** Runs queries one after the other, and compares each with the oracle. */
export async function* runQueries(
  queries: readonly NexmarkQuery[],
  options: NexmarkOptions,
): AsyncGenerator<QueryResult, void, void> {
  const oracle = await Oracle.open(options.directory);
  try {
    let loaded: string | undefined;
    for (const query of queries) {
      const settings = settingsOf(query, options);
      const wanted = JSON.stringify(settings);
      if (wanted !== loaded) await oracle.load(nexmarkEvents(settings));
      loaded = wanted;
      yield await runQuery(query, settings, options, oracle);
    }
  } finally {
    oracle.close();
  }
}

async function runQuery(
  query: NexmarkQuery,
  settings: GeneratorSettings,
  { seed, shards, batch, faultRate, directory, progress }: NexmarkOptions,
  oracle: Oracle,
): Promise<QueryResult> {
  const rows = new RowFile(path.join(directory, `${query.name}.ndjson`));
  const cluster = new Cluster(query.pipeline, {
    seed,
    shards,
    batch,
    ...(faultRate !== undefined && { faultRate }),
    writers: new Map([[query.sink.name, rows]]),
  });
  const report = await cluster.run(counted(nexmarkEvents(settings), (events) => progress?.(query, events)));
  rows.close();
  const comparison = await oracle.compare(query, rows.file);
  return { query, comparison, report, again: rows.rows - comparison.delivered };
}

/** The same values, counted every ten thousand. */
function* counted<T>(values: Iterable<T>, tell: (count: number) => void): Generator<T, void, void> {
  let count = 0;
  for (const value of values) {
    yield value;
    if (++count % 10_000 === 0) tell(count);
  }
}
