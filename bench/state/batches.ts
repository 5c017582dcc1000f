import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { randomFrom } from "../affinity/random.ts";

/** Records of a batch while a state is built, and afterwards. */
export const BUILDING = 10_000;
export const TOUCHING = 1_000;

const START = Date.UTC(2026, 0, 2);

/** The records of sensors, in the given order: each reading's value is what its sensor's number leaves by 1,000. */
export class Readings {
  #sequence: number;
  readonly #random;

  /** @param from the sequence number before the first */
  constructor(from = 0) {
    this.#sequence = from;
    this.#random = randomFrom(from + 1);
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** One reading of each of some sensors. */
  of(sensors: readonly number[]): IncomingRecord[] {
    return sensors.map((n) => {
      const sensor = `sensor-${String(n).padStart(8, "0")}`;
      const payload = JSON.stringify({ sensor, at: START + this.#sequence, value: n % 1_000 });
      return {
        position: { sequence: String(++this.#sequence), index: 0 },
        arrival: START,
        partitionKey: sensor,
        base64: Buffer.from(payload).toString("base64"),
      };
    });
  }

  /** A thousand of so many sensors, drawn. */
  touching(sensors: number): IncomingRecord[] {
    return this.of(Array.from({ length: TOUCHING }, () => Math.floor(this.#random.next() * sensors)));
  }
}
