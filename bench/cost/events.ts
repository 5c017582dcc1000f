import { readFileSync } from "node:fs";
import type { Departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import { hashOf } from "../../lib/state/hash-range.ts";
import { departuresIn } from "../engine/data.ts";

/** A record of a stream. */
export interface CostEvent {
  /** As Lambda names it: `shardId-000000000000:sequence`. */
  readonly eventId: string;
  readonly sequence: string;
  readonly departure: Departure;
  readonly payload: string;
}

/** What one invocation is given: records of one shard, in order. */
export interface Batch {
  readonly shard: string;
  readonly events: readonly CostEvent[];
}

/** Departures as a stream of some shards holds them, an airport in one of them, cut into batches that come in turn. */
export async function batchesOf(count: number, shards: number, size: number): Promise<readonly Batch[]> {
  const { text } = await departuresIn(count);
  const lines = readFileSync(text, "utf8").trimEnd().split("\n");
  const streams = Array.from({ length: shards }, (_, i) => ({ shard: shardName(i), events: [] as CostEvent[] }));
  lines.forEach((payload, n) => {
    const departure = JSON.parse(payload) as Departure;
    const at = Number((BigInt(`0x${hashOf(departure.origin)}`) * BigInt(shards)) >> 128n);
    const sequence = `4957${String(n).padStart(52, "0")}`;
    streams[at]!.events.push({ eventId: `${shardName(at)}:${sequence}`, sequence, departure, payload });
  });
  const batches: Batch[] = [];
  for (let from = 0; streams.some(({ events }) => events.length > from); from += size) {
    for (const { shard, events } of streams) {
      const batch = events.slice(from, from + size);
      if (batch.length > 0) batches.push({ shard, events: batch });
    }
  }
  return batches;
}

const shardName = (n: number): string => `shardId-${String(n).padStart(12, "0")}`;

const HOUR = 3_600_000;

/** What is kept of an airport's hour. */
export interface Hour {
  readonly flights: number;
  readonly delay: number;
}

/** The name of an airport's hour, the same in all ways. */
export const hourOf = ({ origin, departedAt }: Departure): string => `${origin} ${departedAt - (departedAt % HOUR)}`;

/** Events by their hours, in order. */
export function byHour(events: readonly CostEvent[]): ReadonlyMap<string, readonly CostEvent[]> {
  const hours = new Map<string, CostEvent[]>();
  for (const event of events) {
    const hour = hourOf(event.departure);
    const before = hours.get(hour);
    if (before === undefined) hours.set(hour, [event]);
    else before.push(event);
  }
  return hours;
}

export const sumOf = (events: readonly CostEvent[]): Hour => ({
  flights: events.length,
  delay: events.reduce((sum, { departure }) => sum + departure.delay, 0),
});

/** What all events come to. */
export function expectedHours(batches: readonly Batch[]): ReadonlyMap<string, Hour> {
  const hours = new Map<string, Hour>();
  for (const { events } of batches) {
    for (const { departure } of events) {
      const name = hourOf(departure);
      const before = hours.get(name) ?? { flights: 0, delay: 0 };
      hours.set(name, { flights: before.flights + 1, delay: before.delay + departure.delay });
    }
  }
  return hours;
}

/** Event ids and hours in a table are told by a client's ordinary reads, so that they agree is seen from outside. */
export function checkHours(name: string, expected: ReadonlyMap<string, Hour>, given: ReadonlyMap<string, Hour>): void {
  const wrong = [...expected].filter(([hour, { flights, delay }]) => {
    const other = given.get(hour);
    return other?.flights !== flights || other.delay !== delay;
  });
  if (wrong.length > 0 || given.size !== expected.size)
    throw new Error(
      `${name}: ${wrong.length} of ${expected.size} hours are wrong, ${given.size} given: ${wrong[0]?.[0]}`,
    );
}
