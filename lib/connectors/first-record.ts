/** The first of an event's `Records`, which are all of one source; undefined where there is none. For any value. */
export function firstRecord(event: unknown): object | undefined {
  const records = (event as { readonly Records?: unknown } | null | undefined)?.Records;
  const first: unknown = Array.isArray(records) ? records[0] : undefined;
  return typeof first === "object" && first !== null ? first : undefined;
}
