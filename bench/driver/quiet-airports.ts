import { bigint, eventTime, lake, pipeline, text, timestamp, value } from "millrace";
import { z } from "zod";
import { departures } from "../../functions/aggregate-flight-delays/pipeline.ts";

export const lastDepartures = lake("last_departures", { origin: text, since: timestamp, flights: bigint });

/** Airports without a departure for a day: two values and a timer per key, all three set by every record. */
export const quiet = pipeline("quiet-airports", (flow) => {
  flow
    .from(departures)
    .byKey.process("quiet", {
      state: { since: value(z.number(), { initial: 0 }), flights: value(z.number(), { initial: 0 }) },
      timers: { quiet: eventTime },
      onRecord(_departure, { state, timers, time }) {
        state.since.set(Math.max(time, state.since.get()));
        state.flights.set(state.flights.get() + 1);
        timers.quiet.after({ days: 1 });
      },
      *onTimer(_timer, { key, state }) {
        yield { origin: key.origin, since: state.since.get(), flights: state.flights.get() };
      },
    })
    .to(lastDepartures);
});
