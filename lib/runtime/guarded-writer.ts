import { kindAtService } from "../errors.ts";
import { breakerOpen, type Breakers } from "./breakers.ts";
import type { BreakerOutcome } from "./circuit-breaker.ts";
import { Limiter } from "./limiter.ts";
import { InterruptedDelivery, type Delivery, type Refusal, type SinkWriter, type SinkWriters } from "./sink-writer.ts";

/** Sinks behind their breakers, with as many deliveries at once as their policies allow. */
export const guarded = (writers: SinkWriters, breakers: Breakers): SinkWriters =>
  new Map([...writers].map(([sink, writer]) => [sink, new GuardedWriter(sink, writer, breakers)]));

class GuardedWriter implements SinkWriter {
  readonly #sink: string;
  readonly #writer: SinkWriter;
  readonly #breakers: Breakers;
  readonly #limiter: Limiter;

  constructor(sink: string, writer: SinkWriter, breakers: Breakers) {
    this.#sink = sink;
    this.#writer = writer;
    this.#breakers = breakers;
    this.#limiter = new Limiter(breakers.policyOf(sink).concurrency);
  }

  /** @throws infrastructure error `breaker/open`: nothing was sent */
  deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    return this.#limiter.run(async () => {
      const entry = this.#breakers.ofSink(this.#sink).enter();
      if (entry.kind === "refused") throw breakerOpen(`The sink "${this.#sink}"`, entry.wait);
      try {
        const refusals = await this.#writer.deliver(deliveries);
        entry.settle("success");
        return refusals;
      } catch (cause) {
        entry.settle(outcomeOf(cause));
        throw cause;
      }
    });
  }
}

/** A sink that takes something is slow, not down; and what is no failure of a service says nothing of one. */
function outcomeOf(cause: unknown): BreakerOutcome {
  if (cause instanceof InterruptedDelivery) return cause.count > 0 ? "success" : outcomeOf(cause.cause);
  return kindAtService(cause) === "infrastructure" ? "failure" : "none";
}
