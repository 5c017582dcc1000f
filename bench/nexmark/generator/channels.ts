import type { EventRandom } from "./random.ts";
import { textOf } from "./texts.ts";

/** Where a bid was made, and the address of the auctioned item there. */
export interface Channel {
  readonly channel: string;
  readonly url: string;
}

const HOT_NAMES = ["Google", "Facebook", "Baidu", "Apple"];
const CHANNELS = 10_000;

/** One channel in so many does not say its id in its address. */
const WITHOUT_ID = 10;

/** The channels of a run: half of the bids come from four hot ones, the others from any of ten thousand. */
export class Channels {
  readonly #hot: readonly Channel[];
  readonly #others: readonly Channel[];

  constructor(random: EventRandom) {
    random.begin(-2);
    this.#hot = HOT_NAMES.map((channel) => ({ channel, url: itemUrl(random) }));
    this.#others = Array.from({ length: CHANNELS }, (_, i) => {
      const url = itemUrl(random);
      return {
        channel: `channel-${i}`,
        url: random.allButOneIn(WITHOUT_ID) ? `${url}&channel_id=${Math.abs(reversed(i))}` : url,
      };
    });
  }

  pick(random: EventRandom): Channel {
    return random.pick(random.allButOneIn(2) ? this.#hot : this.#others);
  }
}

function itemUrl(random: EventRandom): string {
  const directories = [0, 1, 2].map(() => textOf(random, 5, "_"));
  return `https://www.nexmark.com/${directories.join("/")}/item.htm?query=1`;
}

/** The 32 bits of a number in reversed order, as a signed number: ids that do not follow one another. */
function reversed(bits: number): number {
  let result = 0;
  for (let i = 0; i < 32; i++) result = (result << 1) | ((bits >>> i) & 1);
  return result;
}
