import { isWithin, overlap, WHOLE_RANGE, type HashRange, type KeyHash } from "../state/hash-range.ts";
import { Lane, type Pending } from "./lane.ts";
import type { Shard } from "./transport.ts";

/** Which lane an event belongs to, as the stream is split and merged. */
export class Routes {
  #lanes: readonly Lane[] = [];

  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  laneOf(hash: KeyHash): Lane {
    const lane = this.#lanes.find(({ shard, isClosed }) => !isClosed && isWithin(shard.range, hash));
    if (lane === undefined) throw new Error("The stream's open shards do not cover all keys.");
    return lane;
  }

  /**
   * Takes note of the stream's shards. What lanes of closed ones hold moves to those that replace them, before anything
   * that comes later.
   *
   * @returns whether it did: a list that was read while shards are replaced may lack some, and is not believed
   */
  update(shards: readonly Shard[]): boolean {
    if (!coverAll(shards.filter(({ isOpen }) => isOpen).map(({ range }) => range))) return false;
    const open = new Map(shards.filter(({ isOpen }) => isOpen).map((shard) => [shard.id, shard]));
    const known = new Set(this.#lanes.map(({ shard }) => shard.id));
    const gone = this.#lanes.filter(({ shard }) => !open.has(shard.id));
    for (const lane of gone) lane.isClosed = true;
    const fresh = [...open.values()].filter(({ id }) => !known.has(id)).map((shard) => new Lane(shard));
    this.#lanes = [...this.#lanes.filter((lane) => !lane.isClosed || lane.isSending), ...fresh];
    for (const lane of this.#lanes) {
      if (!lane.isClosed) continue;
      for (const heir of fresh) if (overlap(heir.shard.range, lane.shard.range)) heir.behind.add(lane);
    }
    for (const lane of gone) if (!lane.isSending) this.#deal(lane.takeAll());
    return true;
  }

  /** A closed lane whose record is not on its way any more: what is left of it comes first. @param first before the rest of it */
  release(lane: Lane, first: readonly Pending[]): void {
    const rest = lane.takeAll();
    this.#lanes = this.#lanes.filter((one) => one !== lane);
    this.#deal([...first, ...rest]);
    for (const heir of this.#lanes) heir.behind.delete(lane);
  }

  /** Puts events, in their order, before what their lanes hold. */
  #deal(events: readonly Pending[]): void {
    const byLane = new Map<Lane, Pending[]>();
    for (const event of events) {
      const lane = this.laneOf(event.hash);
      byLane.set(lane, [...(byLane.get(lane) ?? []), event]);
    }
    for (const [lane, own] of byLane) lane.unshift(own);
  }
}

/** Whether every hash is in one of the ranges, which do not overlap. */
function coverAll(ranges: readonly HashRange[]): boolean {
  const sorted = ranges.toSorted((a, b) => (a.from < b.from ? -1 : 1));
  const meet = sorted.every(({ from }, i) =>
    i === 0 ? from === WHOLE_RANGE.from : BigInt(`0x${from}`) === BigInt(`0x${sorted[i - 1]!.to}`) + 1n,
  );
  return meet && sorted.at(-1)?.to === WHOLE_RANGE.to;
}
