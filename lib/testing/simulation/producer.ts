import { partitionKeyOf, type KeyValue } from "../../state/key.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import type { Draws } from "./draws.ts";
import type { Faults } from "./faults.ts";
import type { Settings } from "./options.ts";
import type { PutRecord } from "./stream.ts";

/** One call of PutRecords: events by index. */
export interface PlannedPut {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly events: number[];
}

/** When which events are put: in bursts, with pauses. An event's time does not depend on which others are left out. */
export function planPuts({ events, start, pace, pause, schedule }: Settings, draws: Draws): readonly PlannedPut[] {
  const kept = schedule.events === undefined ? undefined : new Set(schedule.events);
  const puts: PlannedPut[] = [];
  let at = start;
  let open: PlannedPut | undefined;
  events.forEach((_, event) => {
    const gap = gapOf(draws.at("gaps", event), draws.at("lengths", event), pace);
    if (gap > 0) open = undefined;
    at += gap;
    if (event === events.length >> 1) at += pause;
    if (kept?.has(event) === false) return;
    if (open === undefined) puts.push((open = { at, events: [] }));
    open.events.push(event);
  });
  return puts;
}

/** Two in five at once, half of the others close, a few far apart; a thousandth of a mean of `pace` each. */
function gapOf(kind: number, length: number, pace: number): number {
  const mean = kind < 0.4 ? 0 : kind < 0.88 ? pace / 4 : kind < 0.99 ? pace * 2.5 : pace * 60;
  return Math.round(-Math.log(1 - length) * mean);
}

/** A record, and the source into whose stream it is put. */
export interface SourceRecord extends PutRecord {
  readonly source: string;
}

/** Makes records of events, as producers do that use the source's key as partition key. */
export class Producer {
  readonly #settings: Settings;
  readonly #faults: Faults;
  readonly #draws: Draws;

  constructor(settings: Settings, faults: Faults, draws: Draws) {
    this.#settings = settings;
    this.#faults = faults;
    this.#draws = draws;
  }

  /** The records of one call, in the order in which the stream takes them. */
  recordsOf({ events }: PlannedPut): readonly SourceRecord[] {
    const records = events.map((event) => this.#recordOf(event));
    if (records.length < 2) return records;
    const fault = this.#faults.at("puts", ["reordered"]);
    return fault === undefined ? records : fault.draws.shuffled(records);
  }

  #recordOf(event: number): SourceRecord {
    const source = this.#settings.sourceOf(event);
    const json = JSON.stringify(this.#settings.events[event]) ?? "null";
    const partitionKey = this.#partitionKeyOf(source, json, event);
    const whole = { source: source.name, event, partitionKey, payload: Buffer.from(json), kills: 0 };
    const fault = this.#faults.at(`event ${event}`, ["poison", "wrong-key", "killer", "killer-at-times"]);
    switch (fault?.kind) {
      case "poison":
        return { ...whole, payload: Buffer.from(json.slice(0, -1)) };
      case "wrong-key":
        return { ...whole, partitionKey: `${partitionKey}?` };
      case "killer":
        return { ...whole, kills: 1 };
      case "killer-at-times":
        return { ...whole, kills: 0.5 };
      default:
        return whole;
    }
  }

  #partitionKeyOf({ schema, key, keyFields }: SourceDeclaration, json: string, event: number): string {
    if (keyFields.length > 0) {
      try {
        const result = schema["~standard"].validate(JSON.parse(json));
        if (!(result instanceof Promise) && result.issues === undefined) {
          const take = Object.entries(key) as [string, (value: unknown) => KeyValue][];
          return partitionKeyOf(Object.fromEntries(take.map(([field, of]) => [field, of(result.value)])));
        }
      } catch {
        // The event will be a dead letter, on whichever shard.
      }
    }
    return `key ${Math.floor(this.#draws.at("keys", event) * 1_000)}`;
  }
}
