import { createHash } from "node:crypto";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { randomFrom } from "../affinity/random.ts";

/** Records of a batch while a state is built, and afterwards. */
export const BUILDING = 10_000;
export const TOUCHING = 1_000;

/** Of more keys than these rows are not made at once: a commit would hold all of them. */
export const MOST_DRAINED = 2_000_000;

const START = Date.UTC(2026, 0, 2);

/** The records of sensors. Names and values are as good as random, so that they compress no better than real ones. */
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
      const sensor = createHash("md5").update(String(n)).digest("hex").slice(0, 12);
      const value = Math.round(this.#random.next() * 100_000) / 100;
      const payload = JSON.stringify({ sensor, at: START + this.#sequence, value });
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
