/** So many texts are sorted at once. */
const BUCKET = 4_096;
/** Of the texts between which others fall, one is chosen of so many: buckets are hardly uneven then. */
const CHOSEN_OF = 8;

/** So few are sorted by hand: it is begun for each stretch anew. */
const FEW = 12;
/** Stretches are dealt with together until they are so many texts. */
const TOGETHER = 1_024;

/**
 * The places of texts, stretch by stretch in the order that the texts of each have, as `<` has it, a part at a time: it yields
 * how many it has dealt with, and deals with each twice.
 *
 * @param ends of the stretches
 */
export function* sortedOrder(
  texts: readonly string[],
  ends: Iterable<number> = [texts.length],
): Generator<number, Uint32Array> {
  const order = new Uint32Array(texts.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  const byText = (a: number, b: number): number => (texts[a]! < texts[b]! ? -1 : texts[a]! > texts[b]! ? 1 : 0);
  let [from, dealt] = [0, 0];
  for (const end of ends) {
    if (end - from > BUCKET) yield* sortMany(order, texts, from, end, byText);
    else {
      if (end - from > FEW) order.subarray(from, end).sort(byText);
      else sortFew(order, from, end, byText);
      dealt += 2 * (end - from);
    }
    from = end;
    if (dealt < TOGETHER) continue;
    yield dealt;
    dealt = 0;
  }
  yield dealt;
  return order;
}

type Order = (a: number, b: number) => number;

/** Each is put among those before it. */
function sortFew(order: Uint32Array, from: number, to: number, compare: Order): void {
  for (let next = from + 1; next < to; next++) {
    const place = order[next]!;
    let at = next;
    for (; at > from && compare(order[at - 1]!, place) > 0; at--) order[at] = order[at - 1]!;
    order[at] = place;
  }
}

function* sortMany(
  order: Uint32Array,
  texts: readonly string[],
  from: number,
  to: number,
  compare: Order,
): Generator<number, void> {
  const limits = limitsAmong(texts, from, to);
  const buckets = new Uint32Array(to - from);
  const ends = new Uint32Array(limits.length + 1);
  for (let first = from; first < to; first += BUCKET) {
    const last = Math.min(first + BUCKET, to);
    for (let i = first; i < last; i++) {
      const bucket = countAtMost(limits, texts[i]!);
      buckets[i - from] = bucket;
      ends[bucket]!++;
    }
    yield last - first;
  }
  for (let bucket = 1; bucket < ends.length; bucket++) ends[bucket]! += ends[bucket - 1]!;
  const next = ends.slice();
  for (let i = to - 1; i >= from; i--) order[from + --next[buckets[i - from]!]!] = i;
  for (let bucket = 0; bucket < ends.length; bucket++) {
    const part = order.subarray(from + next[bucket]!, from + ends[bucket]!);
    part.sort(compare);
    yield part.length;
  }
}

/** Some of the texts, in their order, with so many others between them as fall into a bucket. */
function limitsAmong(texts: readonly string[], from: number, to: number): readonly string[] {
  const apart = Math.floor(BUCKET / CHOSEN_OF);
  const some: string[] = [];
  // Not at even distances: keys may come in turn.
  for (let i = from, n = 1; i < to; i += apart, n++) {
    const within = Math.min(apart, to - i);
    some.push(texts[i + ((Math.imul(n, 0x9e3779b1) >>> 8) % within)]!);
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
