/** A sampled W3C `traceparent`, in the form of version 00: `00-TRACE ID-PARENT ID-01`. */
export type Traceparent = string;

/** The traces of what is of none. */
export const NO_TRACES: readonly Traceparent[] = [];

/** Traces that an element carries, that a task remembers, and links that a commit's span has. */
export const MOST_TRACES = 32;

/** W3C Trace Context, 3.2: what follows the flags is a later version's. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;
const SAMPLED = 1;
/** The specification bounds no later version; we do. */
const LONGEST = 256;

/** What of a value is the trace of a record: nothing for what is no `traceparent`, or is not sampled. */
export function sampledTrace(value: unknown): Traceparent | undefined {
  if (typeof value !== "string" || value.length > LONGEST) return undefined;
  const [, version, traceId, parentId, flags, later] = TRACEPARENT.exec(value) ?? [];
  if (flags === undefined || (version === "00" && later !== undefined)) return undefined;
  return (Number.parseInt(flags, 16) & SAMPLED) === 0 ? undefined : `00-${traceId}-${parentId}-01`;
}

/** The traces in what another build wrote: what is none is left out. */
export function tracesIn(value: unknown): readonly Traceparent[] {
  if (!Array.isArray(value)) return NO_TRACES;
  const traces = value.slice(0, MOST_TRACES).map(sampledTrace);
  return traces.filter((trace) => trace !== undefined);
}

/** The traces of both, each once and no more than are kept. */
export function unitedTraces(some: readonly Traceparent[], others: readonly Traceparent[]): readonly Traceparent[] {
  if (others.length === 0) return some;
  return [...new Set([...some, ...others])].slice(0, MOST_TRACES);
}

/** The span that a record was sent by. */
export const contextOf = (trace: Traceparent): { readonly traceId: string; readonly spanId: string } => ({
  traceId: trace.slice(3, 35),
  spanId: trace.slice(36, 52),
});
