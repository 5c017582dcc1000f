import * as z from "zod";

/** A departure as producers send it, under a random partition key. */
export const departure = z.object({
  /** IATA code. */
  origin: z.string().length(3),
  destination: z.string().length(3),
  /** When it left, epoch milliseconds UTC. */
  departedAt: z.number(),
  /** Minutes behind the timetable; negative when early. */
  delay: z.number(),
  /** Miles. */
  distance: z.number().min(0),
  /** W3C Trace Context, of those that the producer traces. */
  traceparent: z.string().optional(),
});

export type Departure = z.infer<typeof departure>;
