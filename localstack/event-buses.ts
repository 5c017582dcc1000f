import { randomUUID } from "node:crypto";
import type { LocalEvent } from "./types.ts";

/** An entry of PutEvents. */
export interface EventEntry {
  readonly EventBusName?: string;
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  readonly Resources?: readonly string[];
  readonly TraceHeader?: string;
}

export interface EntryResult {
  readonly EventId?: string;
  readonly ErrorCode?: string;
  readonly ErrorMessage?: string;
}

/** AWS's limits (EventBridge API reference, PutEvents). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_000_000;

/** The event buses of the templates, and `default`. They keep what is put on them; no rule is matched. */
export class EventBuses {
  readonly #events = new Map<string, LocalEvent[]>([["default", []]]);

  constructor(names: readonly string[]) {
    for (const name of names) this.#events.set(name, []);
  }

  /** What was put on a bus, in the order in which it came. */
  events(bus: string): readonly LocalEvent[] {
    return this.#events.get(bus) ?? [];
  }

  /** @returns a result for each entry, or the name of the exception for a request that EventBridge would refuse as a whole */
  put(entries: readonly EventEntry[]): readonly EntryResult[] | string {
    if (entries.length < 1 || entries.length > MAX_ENTRIES) return "ValidationException";
    const bytes = entries.reduce((sum, { Source = "", DetailType = "", Detail = "" }) => {
      return sum + Buffer.byteLength(Source + DetailType + Detail);
    }, 0);
    if (bytes > MAX_BYTES) return "ValidationException";
    return entries.map((entry) => this.#putOne(entry));
  }

  #putOne({ EventBusName = "default", Source, DetailType, Detail, TraceHeader }: EventEntry): EntryResult {
    const bus = EventBusName.split("/").at(-1)!;
    const events = this.#events.get(bus);
    if (!Source || !DetailType || !Detail) {
      return { ErrorCode: "InvalidArgument", ErrorMessage: "Source, DetailType and Detail are required." };
    }
    const detail = objectIn(Detail);
    if (detail === undefined) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
    const id = randomUUID();
    // EventBridge takes what is put on a bus that there is not, and drops it.
    events?.push({ id, source: Source, detailType: DetailType, detail, traceHeader: TraceHeader });
    return { EventId: id };
  }
}

function objectIn(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
