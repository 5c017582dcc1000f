import type { KinesisRecord } from "./event-pattern.ts";
import { asParsed, EventTextReader, type EventRecords } from "./event-text.ts";

/** What it has seen makes no difference to what events are. */
const reader = new EventTextReader();

/** Tells it what records of a stream look like: one that was parsed, and belongs to the stream that the function reads. */
export const learnFrom = (record: KinesisRecord): void => reader.learn(record);

/**
 * An event's text as `parse` has it. Where it has nothing but records like those that were learned from, they are made when
 * somebody asks the event for them; who asks {@link recordsRead} has them without that.
 *
 * @param parse what JSON.parse is
 */
export function parseEvent(text: string, parse: (text: string) => unknown): unknown {
  const read = reader.read(text);
  return read === undefined ? parse(text) : unparsedEvent(read);
}

/** What was read of an event. (A WeakMap would keep it until V8 collects all that is old.) */
const READ = Symbol("records read");

interface Reading {
  readonly event: object;
  readonly read: EventRecords;
  /** Once somebody has asked for them. */
  records: unknown;
}

interface UnparsedEvent {
  readonly [READ]: Reading;
}

function look(this: UnparsedEvent): unknown {
  const reading = this[READ];
  return (reading.records ??= asParsed(reading.read));
}

function put(this: UnparsedEvent, value: unknown): void {
  if (Reflect.defineProperty(this, "Records", { ...FIELD, value, writable: true })) return;
  this[READ].records = value;
}

const FIELD = { enumerable: true, configurable: true };

/** One for all events: V8 takes accessors for a part of what an object looks like, and keeps what they close over. */
const RECORDS: PropertyDescriptor = { ...FIELD, get: look, set: put };

function unparsedEvent(read: EventRecords): object {
  const event = {};
  const reading: Reading = { event, read, records: undefined };
  Object.defineProperty(event, READ, { value: reading });
  return Object.defineProperty(event, "Records", RECORDS);
}

/**
 * What was read of an event, as long as it is as it came: records that somebody has seen they may have changed, and what
 * stands for an event may have others.
 */
export function recordsRead(event: unknown): EventRecords | undefined {
  const reading = (event as Partial<UnparsedEvent> | null | undefined)?.[READ];
  if (reading === undefined || reading.event !== event || reading.records !== undefined) return undefined;
  return Object.getOwnPropertyDescriptor(event, "Records")?.get === look ? reading.read : undefined;
}
