import { BlockWriter, endOfKey, searched, type Block } from "./block.ts";
import { Changes } from "./changes.ts";
import { compressedBlock } from "./codec.ts";
import { compareFirstKey, keysOf } from "./run-index.ts";
import { SortedRun, type BlockPart } from "./sorted-run.ts";

/** When a table is written as a sorted run, and how large its blocks are. */
export interface RunLimits {
  /** A table with fewer entries is written, and kept in memory, as it is. */
  readonly entries: number;
  /** A block is full when its entries take so many bytes, before they are compressed. */
  readonly block: number;
}

/**
 * Blocks: a touched entry costs the inflating of its block, a few microseconds for each KB beside a constant of some 20;
 * smaller ones compress worse. Fewer entries than this are a few MB, and loaded in less time than it takes to ask for them.
 */
export const RUN_LIMITS: RunLimits = { entries: 4_096, block: 8_192 };

/** What a space has in a table beside what it has in the run: values by key, or that the run's is gone. */
export interface Overlay {
  readonly isGone: (value: unknown) => boolean;
  /** All spaces that have entries, in their order. */
  readonly spaces: readonly number[];
  /** What was put or removed since; undefined for nothing. */
  readonly changes: (space: number) => ReadonlyMap<string, unknown> | undefined;
  /** The place of the space in the run; -1 when it has none of its entries. */
  readonly placeIn: (space: number) => number;
}

/** A run of what another has with what was put and removed since. Blocks that nothing has changed in are taken over. */
export function mergedRun(run: SortedRun | undefined, overlay: Overlay, limits: RunLimits): SortedRun {
  const writer = new RunWriter(limits.block);
  for (const space of overlay.spaces) {
    const place = overlay.placeIn(space);
    const changes = new Changes(overlay.changes(space), overlay.isGone);
    writer.begin(space);
    if (run !== undefined && place >= 0) mergeSpace(writer, run, place, changes);
    else writeUpTo(writer, changes, changes.length);
  }
  return writer.end();
}

function mergeSpace(writer: RunWriter, run: SortedRun, place: number, changes: Changes): void {
  const parts = [...run.partsOf(place)];
  for (const [n, part] of parts.entries()) {
    // What is below the next block's first key belongs here.
    const next = parts[n + 1]?.block;
    const end = next === undefined ? changes.length : changes.endBelow((key) => compareFirstKey(run.index, next, key));
    const isWhole = part.from === 0 && part.to === run.index.entries[part.block];
    if (end === changes.at && isWhole && writer.takes(run, part.block)) continue;
    mergeBlock(writer, run.open(part.block, false), part, changes, end);
  }
}

/** What lies between two changes is taken over at once. */
function mergeBlock(writer: RunWriter, block: Block, { from, to }: BlockPart, changes: Changes, end: number): void {
  let at = from;
  while (changes.at < end) {
    const found = searched(block, at, to, changes.key);
    const place = found < 0 ? -1 - found : found;
    writer.add(block, at, place);
    at = found < 0 ? place : place + 1;
    writeUpTo(writer, changes, changes.at + 1);
  }
  writer.add(block, at, to);
}

/** Writes what was put, up to a change. */
function writeUpTo(writer: RunWriter, changes: Changes, end: number): void {
  while (changes.at < end) {
    const put = changes.take(end);
    if (put !== undefined) writer.add(put.block, put.from, put.to);
  }
}

class RunWriter {
  readonly #limit: number;
  readonly #spaces: number[] = [];
  readonly #counts: number[] = [];
  readonly #entries: number[] = [];
  readonly #bytes: number[] = [];
  readonly #inflated: number[] = [];
  readonly #firstKeys: Uint8Array[] = [];
  readonly #blocks: Uint8Array[] = [];
  readonly #open: (Block | undefined)[] = [];
  #space = 0;
  #inSpace = 0;
  readonly #next = new BlockWriter();

  constructor(limit: number) {
    this.#limit = limit;
  }

  begin(space: number): void {
    this.#endSpace();
    this.#space = space;
  }

  /** Takes a block over as it is. @returns whether it is large enough for that */
  takes(run: SortedRun, block: number): boolean {
    const { entries, inflated, keys, keyStarts } = run.index;
    // Small ones are put together.
    if (inflated[block]! < this.#limit / 2) return false;
    this.#flush();
    const firstKey = keys.subarray(keyStarts[block], keyStarts[block + 1]);
    this.#note(entries[block]!, firstKey, run.compressed(block), inflated[block]!, undefined);
    this.#inSpace += entries[block]!;
    return true;
  }

  /** Entries of another block, up to `to` (excluded). */
  add(block: Block, from: number, to: number): void {
    for (let next = from; next < to;) {
      next = this.#next.add(block, next, to, this.#limit);
      if (this.#next.size >= this.#limit) this.#flush();
    }
    this.#inSpace += to - from;
  }

  end(): SortedRun {
    this.#endSpace();
    this.#flush();
    const index = {
      spaces: this.#spaces,
      counts: this.#counts,
      entries: this.#entries,
      bytes: this.#bytes,
      inflated: this.#inflated,
      ...keysOf(this.#firstKeys),
    };
    return new SortedRun(index, Buffer.concat(this.#blocks), "A checkpoint that was just made", undefined, this.#open);
  }

  #endSpace(): void {
    if (this.#inSpace === 0) return;
    this.#spaces.push(this.#space);
    this.#counts.push(this.#inSpace);
    this.#inSpace = 0;
  }

  #flush(): void {
    if (this.#next.count === 0) return;
    const block = this.#next.take();
    const firstKey = block.bytes.subarray(block.starts[0], endOfKey(block, 0));
    this.#note(block.count, firstKey, compressedBlock(block.bytes), block.bytes.length, block);
  }

  #note(
    entries: number,
    firstKey: Uint8Array,
    compressed: Uint8Array,
    inflated: number,
    block: Block | undefined,
  ): void {
    this.#entries.push(entries);
    this.#firstKeys.push(firstKey);
    this.#bytes.push(compressed.length);
    this.#inflated.push(inflated);
    this.#blocks.push(compressed);
    this.#open.push(block);
  }
}
