import { asParsed, EventTextReader, type EventRecords } from "./event-text.ts";

/** What was read of an event. (A WeakMap would keep it until V8 collects all that is old.) */
const READ = Symbol("records read");

/** What it has seen makes no difference to what events are. */
const reader = new EventTextReader();

/**
 * An event's text as `parse` has it. Where it has nothing but records of the usual kind they are made when somebody asks the
 * event for them; who asks {@link recordsRead} has them without that.
 *
 * @param parse what JSON.parse is
 */
export function parseEvent(text: string, parse: (text: string) => unknown): unknown {
  const read = reader.read(text);
  if (read !== undefined) return unparsedEvent(read);
  const event = parse(text);
  reader.learn(event);
  return event;
}

/** What was read of an event, as long as it is as it came: records that somebody has seen they may have changed. */
export const recordsRead = (event: unknown): EventRecords | undefined =>
  (event as { readonly [READ]?: EventRecords } | null | undefined)?.[READ];

/** An event whose records are made when somebody asks for them. */
interface UnparsedEvent {
  [READ]: EventRecords | undefined;
  Records: unknown;
}

/** One for all events: V8 takes accessors for a part of what an object looks like, and keeps what they close over. */
const RECORDS: PropertyDescriptor & ThisType<UnparsedEvent> = {
  get() {
    const all = asParsed(this[READ]!);
    this.Records = all;
    return all;
  },
  set(Records: unknown) {
    this[READ] = undefined;
    Object.defineProperty(this, "Records", { value: Records, writable: true, enumerable: true, configurable: true });
  },
  enumerable: true,
  configurable: true,
};

function unparsedEvent(read: EventRecords): object {
  const event = Object.defineProperty({}, READ, { value: read, writable: true });
  return Object.defineProperty(event, "Records", RECORDS);
}
