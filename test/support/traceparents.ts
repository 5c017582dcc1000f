/** The n-th trace's id. */
export const traceIdOf = (n: number): string => n.toString(16).padStart(32, "0");

/** A `traceparent` of the n-th trace. */
export const traceparentOf = (n: number, span = 1, flags = "01"): string =>
  `00-${traceIdOf(n)}-${span.toString(16).padStart(16, "0")}-${flags}`;

/** The same, not sampled. */
export const unsampled = (traceparent: string): string => traceparent.replace(/01$/, "00");
