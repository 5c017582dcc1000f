import { Channels } from "./channels.ts";
import { EventRandom } from "./random.ts";
import type { Auction, Bid, NexmarkEvent, Person } from "./schemas.ts";
import {
  CATEGORIES,
  DEFAULTS,
  DISORDER_STRIDE,
  FIRST_AUCTION,
  FIRST_CATEGORY,
  FIRST_PERSON,
  HOT_EVERY,
  LEAD,
  type GeneratorSettings,
} from "./settings.ts";
import { ExtraTexts, textOf } from "./texts.ts";
import { Timeline } from "./timeline.ts";

const STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES = [
  ...["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland"],
  ...["Bend", "Redmond", "Seattle", "Kent", "Cheyenne"],
];
const FIRST_NAMES = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];

/** What a number takes in the published sizes, in bytes. */
const NUMBER = 8;

/**
 * The events of a run of Nexmark, in the order in which they are put. They are determined by the settings alone; each
 * one is made when it is asked for.
 *
 * Beam's and Flink's generators agree but for two things. Flink's adds the first person's id twice to a bidder, so
 * that no bidder is a person: here it is added once, as in Beam. Only Flink's has channels and addresses: as there.
 *
 * @example
 * for (const event of nexmarkEvents({ seed: 1, events: 100 })) console.log(event.type, event.dateTime);
 *
 * @throws RangeError for settings of which no stream can be made
 */
export function nexmarkEvents(
  settings: Partial<GeneratorSettings> & Pick<GeneratorSettings, "seed" | "events">,
): Generator<NexmarkEvent, void, void> {
  const all = { ...DEFAULTS, ...settings };
  const { disorderGroup: group, rate } = all;
  if (!(rate > 0)) throw new RangeError(`${rate} events per second is not a rate.`);
  if (!Number.isSafeInteger(group) || group < 1 || (group > 1 && group % DISORDER_STRIDE === 0)) {
    throw new RangeError(`${group} events cannot come in disorder: a whole number is needed, no multiple of 953.`);
  }
  return new EventMaker(all).events();
}

class EventMaker {
  readonly #settings: GeneratorSettings;
  readonly #timeline: Timeline;
  readonly #random: EventRandom;
  readonly #channels: Channels;
  readonly #extras: ExtraTexts;

  constructor(settings: GeneratorSettings) {
    this.#settings = settings;
    this.#timeline = new Timeline(settings);
    this.#random = new EventRandom(settings.seed);
    this.#channels = new Channels(this.#random);
    this.#extras = new ExtraTexts(settings.seed);
  }

  *events(): Generator<NexmarkEvent, void, void> {
    for (let place = 0; place < this.#settings.events; place++) {
      const number = this.#timeline.numberAt(place);
      this.#random.begin(number);
      const kind = this.#timeline.kindOf(number);
      yield kind === "bid" ? this.#bid(number) : kind === "auction" ? this.#auction(number) : this.#person(number);
    }
  }

  #person(number: number): Person {
    const random = this.#random;
    const name = `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
    const emailAddress = `${textOf(random, 7)}@${textOf(random, 5)}.com`;
    const creditCard = [0, 1, 2, 3].map(() => String(random.below(10_000)).padStart(4, "0")).join(" ");
    const city = random.pick(CITIES);
    const state = random.pick(STATES);
    const size = NUMBER + name.length + emailAddress.length + creditCard.length + city.length + state.length;
    return {
      type: "person",
      id: FIRST_PERSON + this.#timeline.personsBy(number) - 1,
      name,
      emailAddress,
      creditCard,
      city,
      state,
      dateTime: this.#timeline.timeOf(number),
      extra: this.#extras.fill(random, size, this.#settings.sizes.person),
    };
  }

  #auction(number: number): Auction {
    const random = this.#random;
    const { hotSellersRatio, sizes } = this.#settings;
    const dateTime = this.#timeline.timeOf(number);
    const seller = random.allButOneIn(hotSellersRatio) ? this.#hotPerson(number) : this.#anyone(number);
    const category = FIRST_CATEGORY + random.below(CATEGORIES);
    const initialBid = this.#price();
    // On the average an auction is open as long as it takes for as many to come as may be in flight.
    const horizon = this.#timeline.timeOf(number + this.#timeline.eventsInFlight) - dateTime;
    const expires = dateTime + 1 + random.below(Math.max(2 * horizon, 1));
    const itemName = textOf(random, 20);
    const description = textOf(random, 100);
    return {
      type: "auction",
      id: FIRST_AUCTION + this.#timeline.auctionsBy(number) - 1,
      itemName,
      description,
      initialBid,
      reserve: initialBid + this.#price(),
      dateTime,
      expires,
      seller: FIRST_PERSON + seller,
      category,
      extra: this.#extras.fill(random, 6 * NUMBER + itemName.length + description.length, sizes.auction),
    };
  }

  #bid(number: number): Bid {
    const random = this.#random;
    const { hotAuctionRatio, hotBiddersRatio, sizes } = this.#settings;
    const auction = random.allButOneIn(hotAuctionRatio) ? this.#hotAuction(number) : this.#auctionInFlight(number);
    // The one after the hot seller, so that they do not bid for their own.
    const bidder = random.allButOneIn(hotBiddersRatio) ? this.#hotPerson(number) + 1 : this.#anyone(number);
    const price = this.#price();
    const { channel, url } = this.#channels.pick(random);
    return {
      type: "bid",
      auction: FIRST_AUCTION + auction,
      bidder: FIRST_PERSON + bidder,
      price,
      channel,
      url,
      dateTime: this.#timeline.timeOf(number),
      extra: this.#extras.fill(random, 4 * NUMBER, sizes.bid),
    };
  }

  /** Cents: log-uniform from 1 to 1,000,000 dollars. */
  #price(): number {
    return Math.round(10 ** (this.#random.next() * 6) * 100);
  }

  #hotPerson(number: number): number {
    return hot(this.#timeline.personsBy(number));
  }

  #hotAuction(number: number): number {
    return hot(this.#timeline.auctionsBy(number));
  }

  /** Anyone of the active persons, or of the next few. */
  #anyone(number: number): number {
    const persons = this.#timeline.personsBy(number);
    const active = Math.min(persons, this.#settings.activePeople);
    return persons - active + this.#random.below(active + LEAD);
  }

  /** Any of the auctions that may be in flight, or of the next few. */
  #auctionInFlight(number: number): number {
    const last = this.#timeline.auctionsBy(number) - 1;
    const first = Math.max(last - this.#settings.auctionsInFlight, 0);
    return first + this.#random.below(last - first + 1 + LEAD);
  }
}

/** Of so many, from 0 on, the last one that is hot. */
function hot(count: number): number {
  const last = count - 1;
  return last - (last % HOT_EVERY);
}
