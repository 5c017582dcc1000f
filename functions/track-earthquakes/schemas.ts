import * as z from "zod";

/** A seismic event as a network reports it. */
export const quake = z.object({
  /** The network that reports it: ci is Southern California, ak Alaska, us the national one. */
  network: z.string().min(1),
  id: z.string(),
  /** "earthquake", "explosion", "quarry blast". */
  type: z.string(),
  /** Local, moment or duration magnitude; below zero for the faintest. */
  magnitude: z.number(),
  place: z.string(),
  /** When the ground moved, epoch milliseconds UTC. */
  occurredAt: z.number(),
  /** W3C Trace Context, of those that the producer traces. */
  traceparent: z.string().optional(),
});

export type Quake = z.infer<typeof quake>;
