import { infrastructureError } from "../../errors.ts";
import { InterruptedDelivery, type Delivery, type Refusal, type SinkWriter } from "../../runtime/sink-writer.ts";
import type { Fault, FaultKind, Faults } from "./faults.ts";

const KINDS: readonly FaultKind[] = ["sink-partial", "sink-interrupted", "sink-repeat"];

/** A sink that takes what it takes, at times not all of it, at times twice, at times for hours nothing. */
export class SimulatedSink implements SinkWriter {
  readonly #name: string;
  readonly #place: string;
  readonly #faults: Faults;
  readonly #canRefuse: boolean;
  readonly #take: (delivery: Delivery) => void;
  readonly #refusals = new Map<string, boolean>();
  isDown = false;

  /** @param canRefuse whether it may refuse outputs for good @param place what its places of faults begin with */
  constructor(name: string, faults: Faults, canRefuse: boolean, take: (delivery: Delivery) => void, place = "") {
    this.#name = name;
    this.#place = place;
    this.#faults = faults;
    this.#canRefuse = canRefuse;
    this.#take = take;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    if (this.isDown) throw this.#unavailable();
    const fault = this.#faults.at(`${this.#place}delivery to ${this.#name}`, KINDS);
    if (fault === undefined) return this.#takeAll(deliveries);
    if (fault.kind === "sink-repeat") {
      this.#takeAll(deliveries);
      return this.#takeAll(deliveries);
    }
    throw this.#takePart(fault, deliveries);
  }

  #takePart({ kind, draws }: Fault, deliveries: readonly Delivery[]): Error {
    const taken = draws.below(deliveries.length + 1);
    if (kind === "sink-interrupted") {
      // Up to there in order, and perhaps one more of which the writer did not hear.
      const known = Math.max(0, taken - draws.below(2));
      const refusals = this.#takeAll(deliveries.slice(0, taken));
      const before = new Set(deliveries.slice(0, known));
      return new InterruptedDelivery(
        known,
        this.#unavailable(),
        refusals.filter(({ delivery }) => before.has(delivery)),
      );
    }
    this.#takeAll(draws.shuffled(deliveries).slice(0, taken));
    return this.#unavailable();
  }

  #takeAll(deliveries: readonly Delivery[]): Refusal[] {
    const refused: Refusal[] = [];
    for (const delivery of deliveries) {
      if (this.#refuses(delivery)) refused.push({ delivery, message: "The simulation refuses it." });
      else this.#take(delivery);
    }
    return refused;
  }

  /** Once and for all. */
  #refuses({ id }: Delivery): boolean {
    if (!this.#canRefuse) return false;
    let refuses = this.#refusals.get(id);
    if (refuses === undefined) {
      refuses = this.#faults.at(`output for ${this.#name}`, ["sink-refusal"]) !== undefined;
      this.#refusals.set(id, refuses);
    }
    return refuses;
  }

  #unavailable() {
    return infrastructureError({ code: "simulation/sink", message: `The sink ${this.#name} takes nothing now.` });
  }
}
