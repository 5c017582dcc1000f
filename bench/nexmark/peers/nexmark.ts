import { parseArgs } from "node:util";
import { agrees } from "../../../localstack/start/compare.ts";
import { table } from "../../affinity/tables.ts";
import { bundledEntry } from "../../harness/entries.ts";
import { functionNode, functionNodeVersion } from "../../harness/function-node.ts";
import { metered } from "../../harness/metered.ts";
import { besidePerMillion, checkFigures, perMillion } from "../../harness/per-million.ts";
import { packageVersions, writeResult } from "../../harness/results.ts";
import { median, shown, spread } from "../../harness/statistics.ts";
import { emptyDirectory, say } from "../../harness/work.ts";
import { QUERIES } from "../queries/index.ts";
import type { NexmarkQuery } from "../queries/query.ts";
import { Oracle } from "../run/oracle.ts";
import { eventsIn, type EventFile } from "./events.ts";
import { bytewax, kafkaStreams } from "./others.ts";
import { flink, millrace, type QueryEngine } from "./subjects.ts";

/** What an engine took for a query, round by round. */
export interface QueryFigures {
  readonly engine: string;
  /** CPU seconds of a million events beyond the short run's. */
  readonly perMillion: readonly number[];
  /** The same of the processes it cannot do without. */
  readonly besidePerMillion: readonly number[];
  /** The most memory resident in the long run, MB. */
  readonly rss: readonly number[];
}

export interface QueryResult {
  readonly query: string;
  readonly title: string;
  /** Rows of the long run, which every engine gave. */
  readonly rows: number;
  /** Millrace's stages: one more than it has shuffles. */
  readonly stages: number;
  readonly engines: readonly QueryFigures[];
}

export interface NexmarkResult {
  readonly shortEvents: number;
  readonly longEvents: number;
  readonly rounds: number;
  readonly engines: readonly { readonly name: string; readonly about: string }[];
  /** JSON.parse of every event and nothing else: CPU seconds a million. */
  readonly floor: readonly number[];
  readonly queries: readonly QueryResult[];
}

const NOT_MEASURED = [
  "Network, disks and services, as above: Millrace's stores and the streams between its stages are in memory, Flink's checkpoints and all rows go to this machine's disk.",
  "Flink's SQL, in which the published queries are written: its planner shares what overlapping windows have in common and groups small batches, which the DataStream API does not.",
  "More than one task of a stage; latency; growth beyond these events.",
  "Queries that join (3, 6, 8, 9, 13, 20) or write files by name (10): Millrace's are not written.",
];

/** `npm run bench -- nexmark`: CPU per event of the queries of Nexmark beside other engines, on the same events. */
export async function nexmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      warm: { type: "string", default: "200000" },
      events: { type: "string", default: "1000000" },
      queries: { type: "string" },
      engines: { type: "string" },
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const rounds = Number(values.rounds);
  const files = [eventsIn(Number(values.warm)), eventsIn(Number(values.warm) + Number(values.events))] as const;
  const wanted = values.queries?.split(",");
  const queries = QUERIES.filter(({ name }) => wanted?.includes(name) ?? true);
  const engines = await enginesOf(values.engines);
  const oracles = await Promise.all(files.map((file, i) => oracleOf(file, String(i))));
  try {
    const takes = new Map<string, Take[]>();
    const floor: number[] = [];
    for (let round = 0; round < rounds; round++) {
      floor.push(await floorOf(files));
      for (const query of queries) {
        // Another one begins in every round, so that none always runs in the wake of the same other.
        for (let i = 0; i < engines.length; i++) {
          const engine = engines[(i + round) % engines.length]!;
          if (engine.queries?.includes(query.name) === false) continue;
          say(`round ${round + 1} of ${rounds}: ${query.name} ${engine.name}`);
          const short = await checked(engine, query, files[0], oracles[0]!, files[0].count);
          const long = await checked(engine, query, files[1], oracles[1]!, files[0].count);
          const name = `${query.name} ${engine.name}`;
          const figure = perMillion(name, short, long);
          takes.set(name, [...(takes.get(name) ?? []), { short, long, perMillion: figure }]);
        }
      }
    }
    const result: NexmarkResult = {
      ...{ shortEvents: files[0].count, longEvents: files[1].count, rounds, floor },
      engines: engines.map(({ name, about }) => ({ name, about })),
      queries: queries.map((query) => resultOf(query, engines, takes)),
    };
    const line = lineOf(result);
    console.log(`${nexmarkTable(result)}\n\n${line}`);
    checkFigures(
      result.queries.flatMap(({ query, engines: all }) =>
        all.map((one) => ({ name: `${query} of ${one.engine}`, perMillion: one.perMillion })),
      ),
    );
    if (!values.write || wanted !== undefined || values.engines !== undefined) return;
    const versions = Object.assign(
      {},
      functionNodeVersion(),
      packageVersions("zod"),
      ...engines.map((engine) => engine.versions),
    ) as Record<string, string>;
    await writeResult("nexmark", { figures: result, notMeasured: NOT_MEASURED, line, versions });
  } finally {
    for (const oracle of oracles) oracle.close();
    for (const engine of engines) await engine.stop?.();
  }
}

type Run = Awaited<ReturnType<typeof checked>>;

interface Take {
  readonly short: Run;
  readonly long: Run;
  readonly perMillion: number;
}

async function enginesOf(names: string | undefined): Promise<readonly QueryEngine[]> {
  const isWanted = (name: string) => names === undefined || names.split(",").includes(name);
  return [
    ...(isWanted("millrace") ? [millrace()] : []),
    ...(isWanted("flink") ? [flink()] : []),
    ...(isWanted("kafka") ? [await kafkaStreams()] : []),
    ...(isWanted("bytewax") ? [bytewax()] : []),
  ];
}

async function oracleOf({ file }: EventFile, name: string): Promise<Oracle> {
  const oracle = await Oracle.open(emptyDirectory("nexmark-oracle", name));
  await oracle.loadFile(file);
  return oracle;
}

async function floorOf([short, long]: readonly [EventFile, EventFile]): Promise<number> {
  const entry = bundledEntry("engine/millrace/floor-entry");
  const runOf = async ({ file, count }: EventFile) => ({
    count,
    marked: undefined,
    ...(await metered(functionNode(), [entry, "text", file], { mark: short.count })),
  });
  return perMillion("floor", await runOf(short), await runOf(long));
}

/** Runs a query and compares what it gave row by row, before any figure of it is used. */
export async function checked(
  engine: QueryEngine,
  query: NexmarkQuery,
  events: EventFile,
  oracle: Oracle,
  mark: number,
) {
  const run = await engine.run(query.name, events, mark);
  const comparison = await oracle.compare(query, run.rows, run.ids);
  if (!agrees(comparison)) {
    const shown = JSON.stringify(comparison, (_, value: unknown) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    throw new Error(
      `${query.name} of ${engine.name} gave another answer than DuckDB over ${events.count} events: ${shown}`,
    );
  }
  return { ...run, count: events.count, equal: comparison.equal };
}

function resultOf(
  { name, title }: NexmarkQuery,
  engines: readonly QueryEngine[],
  takes: ReadonlyMap<string, readonly Take[]>,
): QueryResult {
  const ofEngines = engines.flatMap((engine) => {
    const all = takes.get(`${name} ${engine.name}`);
    return all === undefined ? [] : [{ engine, all }];
  });
  const runs = ofEngines.flatMap(({ all }) => all);
  return {
    ...{ query: name, title },
    rows: Math.max(...runs.map(({ long }) => long.equal)),
    stages: Math.max(...runs.map(({ long }) => long.stages ?? 0)),
    engines: ofEngines.map(({ engine, all }) => {
      const hasBeside = all.some(({ long }) => long.beside !== undefined);
      return {
        engine: engine.name,
        perMillion: all.map((take) => take.perMillion),
        besidePerMillion: hasBeside ? all.map(({ short, long }) => besidePerMillion(short, long)) : [],
        rss: all.map(({ long }) => long.usage.rss),
      };
    }),
  };
}

/** Round by round, so that both sides of a ratio are of one time. */
function ratiosOf({ engines }: QueryResult, name: string, to: string): readonly number[] {
  const [one, other] = [name, to].map((wanted) => engines.find(({ engine }) => engine === wanted));
  if (one === undefined || other === undefined) return [];
  return one.perMillion.map((cpu, round) => cpu / other.perMillion[round]!);
}

export function nexmarkTable({ engines, queries }: NexmarkResult): string {
  const cell = (numbers: readonly number[] = []) => (numbers.length === 0 ? "" : spread(numbers));
  const of = (query: QueryResult, name: string) => query.engines.find(({ engine }) => engine === name);
  return table(
    [
      "",
      "stages",
      "rows",
      ...engines.map(({ name }) => name),
      "Millrace: times Flink",
      ...["Millrace", "Flink"].map((name) => `${name}: peak MB`),
    ],
    queries.map((query) => [
      `${query.query} ${query.title}`,
      String(query.stages),
      query.rows.toLocaleString("en-US"),
      ...engines.map(({ name }) => cell(of(query, name)?.perMillion)),
      cell(ratiosOf(query, "Millrace", "Flink")),
      ...["Millrace", "Flink"].map((name) => {
        const rss = of(query, name)?.rss;
        return rss === undefined ? "" : shown(median(rss));
      }),
    ]),
  );
}

/** What processes took that an engine cannot do without, and that its column leaves out. */
export const besideText = ({ queries }: NexmarkResult): string =>
  queries
    .flatMap(({ query, engines }) =>
      engines
        .filter(({ besidePerMillion }) => besidePerMillion.length > 0)
        .map(({ engine, besidePerMillion }) => `${query} of ${engine} ${shown(median(besidePerMillion))} s`),
    )
    .join(", ");

/** Over all queries, the geometric mean of Millrace's ratios to Flink, as is usual for them; undefined without one. */
export function ratiosOfQueries(
  result: NexmarkResult,
): { readonly count: number; readonly mean: number; readonly least: number; readonly most: number } | undefined {
  const ratios = result.queries
    .map((query) => ratiosOf(query, "Millrace", "Flink"))
    .filter(({ length }) => length > 0)
    .map(median);
  if (ratios.length === 0) return undefined;
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  return { count: ratios.length, mean, least: Math.min(...ratios), most: Math.max(...ratios) };
}

function lineOf(result: NexmarkResult): string {
  const ratios = ratiosOfQueries(result);
  if (ratios === undefined) return "no ratio to Flink";
  const { count, mean, least, most } = ratios;
  return `${count} queries: ${shown(mean)} x Flink as the geometric mean, from ${shown(least)} to ${shown(most)}`;
}
