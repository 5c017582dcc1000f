import { partitionKeyOf } from "../state/key.ts";
import type { TaskState } from "../state/task-state.ts";
import { NO_TRACES, sampledTrace, type Traceparent } from "../state/traceparent.ts";
import type { IncomingUnit, Opened, TraceOf } from "./intake.ts";
import type { DecodedRecord, IncomingRecord, Pack, PackedEvent, RecordFormat } from "./record.ts";

/** How a source's records are read. */
export interface SourceFormat {
  readonly source: string;
  readonly format: RecordFormat;
  readonly trace: TraceOf | undefined;
}

/**
 * Gives what a record of a source holds, each a unit of its own (X7), and no list of them: most records are one.
 *
 * @param state of the task; undefined for a dead letter, of which nothing is passed over: it may be all that is left
 * @returns how many that were
 */
export function eachSourceUnit(
  how: SourceFormat,
  record: IncomingRecord,
  state: TaskState | undefined,
  each: (unit: IncomingUnit) => void,
): number {
  const { unpack } = how.format;
  let pack: Pack | undefined;
  let unreadable: IncomingUnit | undefined;
  try {
    pack = unpack?.(record);
  } catch (thrown) {
    unreadable = new UnreadableUnit(how.source, record, thrown);
  }
  if (pack === undefined) {
    each(unreadable ?? new RecordUnit(how, record));
    return 1;
  }
  let units = 0;
  for (const event of pack.events) {
    const unit = new PackedUnit(how, record, event);
    if (state !== undefined && pack.isSentAgain && unit.isElsewhere(state)) continue;
    each(unit);
    units++;
  }
  return units;
}

/** A record that is one event. */
class RecordUnit implements IncomingUnit {
  readonly #how: SourceFormat;
  readonly #record: IncomingRecord;

  constructor(how: SourceFormat, record: IncomingRecord) {
    this.#how = how;
    this.#record = record;
  }

  get entry(): string {
    return this.#how.source;
  }

  get records(): number {
    return 1;
  }

  open(): Opened {
    return traced(this.#how, this.#how.format.decode(this.#record));
  }

  record(): IncomingRecord {
    return this.#record;
  }
}

/** A record that could not be taken apart, or made sense of. */
export class UnreadableUnit implements IncomingUnit {
  readonly entry: string;
  readonly records = 1;
  readonly #record: IncomingRecord;
  readonly #why: unknown;

  constructor(entry: string, record: IncomingRecord, why: unknown) {
    this.entry = entry;
    this.#record = record;
    this.#why = why;
  }

  open(): Opened {
    throw this.#why;
  }

  record(): IncomingRecord {
    return this.#record;
  }
}

/** An event that came with others in a record. */
class PackedUnit implements IncomingUnit {
  readonly #how: SourceFormat;
  readonly #record: IncomingRecord;
  readonly #event: PackedEvent;
  #decoded: DecodedRecord | undefined;

  constructor(how: SourceFormat, record: IncomingRecord, event: PackedEvent) {
    this.#how = how;
    this.#record = record;
    this.#event = event;
  }

  get entry(): string {
    return this.#how.source;
  }

  get records(): number {
    return 1;
  }

  open(): Opened {
    return traced(this.#how, this.#decode());
  }

  /** It alone: on its way back it is routed by its own key, if it has one that can be read. */
  record(): IncomingRecord {
    const { arrival } = this.#record;
    const { position, base64, partitionKey, packedBy } = this.#event;
    return { position, arrival, base64, partitionKey: partitionKey ?? this.#ownKey() ?? packedBy };
  }

  /** Whether its key is another partition's. What cannot be decoded is a dead letter wherever it is. */
  isElsewhere(state: TaskState): boolean {
    if (state.hasAllKeys) return false;
    try {
      const { key, keyCode } = this.#decode();
      return keyCode !== "" && !state.hasKey(key);
    } catch {
      return false;
    }
  }

  #ownKey(): string | undefined {
    try {
      const { key, keyCode } = this.#decode();
      return keyCode === "" ? undefined : partitionKeyOf(key);
    } catch {
      return undefined;
    }
  }

  /** Once: it may be looked at twice. */
  #decode(): DecodedRecord {
    return (this.#decoded ??= this.#how.format.decode(this.#event));
  }
}

const traced = ({ trace }: SourceFormat, decoded: DecodedRecord): Opened =>
  trace === undefined ? decoded : { ...decoded, traces: tracesOf(decoded.value, trace) };

/** A trace is worth less than the record: what goes wrong here is no trace, and no dead letter. */
function tracesOf(value: unknown, trace: TraceOf): readonly Traceparent[] {
  try {
    const told: unknown = (trace as (record: unknown) => unknown)(value);
    if (told instanceof Promise) told.catch(() => undefined); // its rejection would end the process
    const sampled = sampledTrace(told);
    return sampled === undefined ? NO_TRACES : [sampled];
  } catch {
    return NO_TRACES;
  }
}
