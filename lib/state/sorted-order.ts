/** So many texts are sorted at once. */
const BUCKET = 4_096;
/** Of the texts between which others fall, one is chosen of so many: buckets are hardly uneven then. */
const CHOSEN_OF = 8;

/**
 * The places of texts in the order that these have, as `<` has it, a part at a time: it yields how many it has dealt with,
 * and deals with each twice.
 */
export function* sortedOrder(texts: readonly string[]): Generator<number, Uint32Array> {
  const order = new Uint32Array(texts.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  const byText = (a: number, b: number): number => (texts[a]! < texts[b]! ? -1 : texts[a]! > texts[b]! ? 1 : 0);
  if (texts.length <= BUCKET) {
    order.sort(byText);
    yield 2 * texts.length;
    return order;
  }
  const limits = limitsAmong(texts);
  const buckets = new Uint32Array(texts.length);
  const ends = new Uint32Array(limits.length + 1);
  for (let from = 0; from < texts.length; from += BUCKET) {
    const to = Math.min(from + BUCKET, texts.length);
    for (let i = from; i < to; i++) {
      const bucket = countAtMost(limits, texts[i]!);
      buckets[i] = bucket;
      ends[bucket]!++;
    }
    yield to - from;
  }
  for (let bucket = 1; bucket < ends.length; bucket++) ends[bucket]! += ends[bucket - 1]!;
  const next = ends.slice();
  for (let i = texts.length - 1; i >= 0; i--) order[--next[buckets[i]!]!] = i;
  for (let bucket = 0; bucket < ends.length; bucket++) {
    const part = order.subarray(next[bucket], ends[bucket]);
    part.sort(byText);
    yield part.length;
  }
  return order;
}

/** Some of the texts, in their order, with so many others between them as fall into a bucket. */
function limitsAmong(texts: readonly string[]): readonly string[] {
  const apart = Math.floor(BUCKET / CHOSEN_OF);
  const some: string[] = [];
  // Not at even distances: keys may come in turn.
  for (let i = 0; i < texts.length; i += apart) {
    const within = Math.min(apart, texts.length - i);
    some.push(texts[i + ((Math.imul(i / apart + 1, 0x9e3779b1) >>> 8) % within)]!);
  }
  return some.sort().filter((_, i) => i % CHOSEN_OF === CHOSEN_OF - 1);
}

/** How many of ascending texts are at most another. */
function countAtMost(ascending: readonly string[], text: string): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= text) low = middle + 1;
    else high = middle;
  }
  return low;
}
