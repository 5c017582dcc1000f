import { testDriver } from "millrace/testing";
import flightDelays, * as flights from "../../functions/aggregate-flight-delays/pipeline.ts";
import type { Departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import routes, * as ranking from "../../functions/rank-routes/pipeline.ts";
import { lastDepartures, quiet } from "./quiet-airports.ts";

/** What a record costs, microseconds of this process's CPU, user and system, of each round. */
export interface Cost {
  readonly name: string;
  readonly micros: readonly number[];
  /** Round by round, as many times what `JSON.parse` of the same payloads took in that round. */
  readonly ratios: readonly number[];
}

const AIRPORTS = 60;
const START = Date.UTC(2001, 0, 1);

/** Departures of a few airports, three a minute: 20,000 are five days. The delays repeat, and nothing is random. */
export const departuresOf = (records: number): readonly Departure[] =>
  Array.from({ length: records }, (_, i) => ({
    origin: codeOf((i * 7) % AIRPORTS),
    destination: codeOf((i * 11 + 5) % AIRPORTS),
    departedAt: START + i * 20_000,
    delay: ((i * 13) % 90) - 10,
    distance: 90 + ((i * 17) % 2_000),
  }));

const codeOf = (n: number): string =>
  `A${String.fromCharCode(65 + Math.floor(n / 26))}${String.fromCharCode(65 + (n % 26))}`;

/** Runs that many rounds, in each everything once, so that all ratios are of one time. */
export function measureCosts({
  records,
  rounds,
}: {
  readonly records: number;
  readonly rounds: number;
}): readonly Cost[] {
  const departures = departuresOf(records);
  const payloads = departures.map((departure) => JSON.stringify(departure));
  const parse = () => payloads.reduce((sum, payload) => sum + (JSON.parse(payload) as Departure).delay, 0);
  const subjects = [
    ["JSON.parse", parse],
    ["flight-delays: filter, hourly windows", () => delays(departures)],
    ["quiet airports: a process function", () => quietAirports(departures)],
    ["routes: three stages", () => routesOf(departures)],
  ] as const;
  const micros = subjects.map((): number[] => []);
  for (const [, run] of subjects) run(); // compiles
  for (let round = 0; round < rounds; round++)
    subjects.forEach(([, run], i) => micros[i]!.push(cpuMicros(run) / records));
  return subjects.map(([name], i) => ({
    name,
    micros: micros[i]!,
    ratios: micros[i]!.map((micro, round) => micro / micros[0]![round]!),
  }));
}

function cpuMicros(run: () => number): number {
  const before = process.cpuUsage();
  if (run() === 0) throw new Error("Nothing came out of it.");
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function delays(departures: readonly Departure[]): number {
  const driver = testDriver(flightDelays);
  for (const departure of departures) driver.push(flights.departures, departure);
  driver.drain();
  return driver.read(flights.hourlyDelays).length;
}

function quietAirports(departures: readonly Departure[]): number {
  const driver = testDriver(quiet);
  for (const departure of departures) driver.push(flights.departures, departure);
  driver.drain();
  return driver.read(lastDepartures).length;
}

function routesOf(departures: readonly Departure[]): number {
  const driver = testDriver(routes);
  for (const departure of departures) driver.push(ranking.departures, departure);
  driver.drain();
  return driver.read(ranking.busiestRoutes).length;
}
