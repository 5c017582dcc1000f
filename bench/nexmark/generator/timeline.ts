import { DISORDER_STRIDE, type GeneratorSettings } from "./settings.ts";

/** Which event comes when, and what has been there by then: all of it known from an event's number, from 0 on. */
export class Timeline {
  readonly #settings: GeneratorSettings;
  readonly #period: number;

  constructor(settings: GeneratorSettings) {
    this.#settings = settings;
    const { person, auction, bid } = settings.proportions;
    this.#period = person + auction + bid;
  }

  /** The event that comes in the n-th place. */
  numberAt(place: number): number {
    const size = this.#settings.disorderGroup;
    return place - (place % size) + ((place * DISORDER_STRIDE) % size);
  }

  /** Event time of an event, in epoch milliseconds. */
  timeOf(number: number): number {
    return this.#settings.start + Math.floor((number * 1_000) / this.#settings.rate);
  }

  kindOf(number: number): "person" | "auction" | "bid" {
    const { person, auction } = this.#settings.proportions;
    const within = number % this.#period;
    return within < person ? "person" : within < person + auction ? "auction" : "bid";
  }

  /** How many persons there are up to an event, itself included. */
  personsBy(number: number): number {
    const { person } = this.#settings.proportions;
    return Math.floor(number / this.#period) * person + Math.min((number % this.#period) + 1, person);
  }

  /** How many auctions there are up to an event, itself included. */
  auctionsBy(number: number): number {
    const { person, auction } = this.#settings.proportions;
    const within = Math.min(Math.max((number % this.#period) + 1 - person, 0), auction);
    return Math.floor(number / this.#period) * auction + within;
  }

  /** How many events it takes until as many auctions have come as may be in flight. */
  get eventsInFlight(): number {
    return Math.floor((this.#settings.auctionsInFlight * this.#period) / this.#settings.proportions.auction);
  }
}
