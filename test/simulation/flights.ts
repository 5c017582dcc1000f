import type { SimulatedModule } from "./work.ts";

/** The flights' pipeline and made-up departures: `npm run simulate -- --pipeline test/simulation/flights.ts`. */
export { default } from "../../functions/aggregate-flight-delays/pipeline.ts";

const AIRPORTS = ["ORD", "HNL", "SJU", "ANC", "LAX"];
const MINUTE = 60_000;

/** Departures in an order that is up to seven hours out; at times one is too late, and one is no departure. */
export const events: SimulatedModule["events"] = (random) =>
  Array.from({ length: 80 }, (_, i) => ({
    origin: AIRPORTS[Math.floor(random() * AIRPORTS.length)]!,
    destination: "JFK",
    departedAt: Date.UTC(2001, 0, 1) + i * 10 * MINUTE - Math.floor(random() ** 3 * 420) * MINUTE,
    delay: random() < 0.02 ? "unknown" : Math.round(random() * 60),
    distance: Math.round(random() * 2_000),
  }));
