import { BlockWriter, endOfKey, searched, type Block } from "./block.ts";
import { Changes, type FrozenChanges } from "./changes.ts";
import { compressedBlock } from "./compression.ts";
import { compareFirstKey, keysOf } from "./run-index.ts";
import { SortedRun, type BlockPart } from "./sorted-run.ts";

/** When a table is written as a sorted run, and how large its blocks are. */
export interface RunLimits {
  /** A table with fewer entries is written, and kept in memory, as it is. */
  readonly entries: number;
  /** A block is full when its entries take so many bytes, before they are compressed. */
  readonly block: number;
  /** Bytes of blocks that a run just made keeps inflated. @default those of a million keys with three aggregates, 64 MB */
  readonly open?: number;
}

/**
 * Blocks: a touched entry costs the inflating of its block, a few microseconds for each KB beside a constant of some 20;
 * smaller ones compress worse. Fewer entries than this are a few MB, and loaded in less time than it takes to ask for them.
 */
export const RUN_LIMITS: RunLimits = { entries: 4_096, block: 8_192 };

/**
 * A run of what another has with what was put and removed since, made a part at a time: it yields about how many entries it
 * has dealt with. Blocks that nothing has changed in are taken over.
 *
 * @param frozen of all spaces that have entries, in their order
 */
export function* mergedRun(
  run: SortedRun | undefined,
  frozen: FrozenChanges,
  isGone: (value: unknown) => boolean,
  limits: RunLimits,
): Generator<number, SortedRun> {
  const changes = yield* Changes.sorted(frozen, isGone);
  const writer = new RunWriter(limits);
  const source = run && new Source(run);
  for (const { space, place, end } of frozen.spaces) {
    changes.end = end;
    writer.begin(space);
    if (source !== undefined && place >= 0) yield* mergeSpace(writer, source, place, changes);
    else yield* writeUpTo(writer, changes, end);
    yield OF_SPACE;
  }
  return writer.end();
}

/** What a space takes beside its entries, in entries. */
const OF_SPACE = 3;

/** A run whose blocks are asked for one after the other, some of them for several spaces. */
class Source {
  readonly run: SortedRun;
  #at = -1;
  #block: Block | undefined = undefined;

  constructor(run: SortedRun) {
    this.run = run;
  }

  open(at: number): Block {
    if (this.#block === undefined || this.#at !== at) [this.#at, this.#block] = [at, this.run.open(at, false)];
    return this.#block;
  }
}

function* mergeSpace(writer: RunWriter, source: Source, place: number, changes: Changes): Generator<number, void> {
  const { run } = source;
  const parts = [...run.partsOf(place)];
  for (const [n, part] of parts.entries()) {
    // What is below the next block's first key belongs here.
    const next = parts[n + 1]?.block;
    const end = next === undefined ? changes.end : changes.endBelow((key) => compareFirstKey(run.index, next, key));
    const isWhole = part.from === 0 && part.to === run.index.entries[part.block];
    if (end === changes.at && isWhole && writer.takes(run, part.block)) yield 1;
    else yield* mergeBlock(writer, source.open(part.block), part, changes, end);
  }
}

/** What lies between two changes is taken over at once. */
function* mergeBlock(
  writer: RunWriter,
  block: Block,
  { from, to }: BlockPart,
  changes: Changes,
  end: number,
): Generator<number, void> {
  let [at, taken] = [from, 0];
  while (changes.at < end) {
    const found = searched(block, at, to, changes.key);
    const place = found < 0 ? -1 - found : found;
    writer.add(block, at, place);
    if (place === to) {
      at = to;
      yield* writeUpTo(writer, changes, end);
    } else {
      at = found < 0 ? place : place + 1;
      writeSome(writer, changes, changes.at + 1);
      if (++taken % AT_ONCE === 0) yield AT_ONCE;
    }
  }
  writer.add(block, at, to);
  yield to - from + (taken % AT_ONCE);
}

/** Writes what was put, up to a change, so many of them at a time. */
function* writeUpTo(writer: RunWriter, changes: Changes, end: number): Generator<number, void> {
  while (changes.at < end) {
    const before = changes.at;
    writeSome(writer, changes, Math.min(before + AT_ONCE, end));
    yield changes.at - before;
  }
}

const AT_ONCE = 1_024;

function writeSome(writer: RunWriter, changes: Changes, end: number): void {
  while (changes.at < end) {
    const put = changes.take(end);
    if (put !== undefined) writer.add(put.block, put.from, put.to);
  }
}

/** As many as those of a million keys with three aggregates. */
const MOST_OPEN = 64 * 1_024 * 1_024;

class RunWriter {
  readonly #limit: number;
  readonly #mostOpen: number;
  readonly #spaces: number[] = [];
  readonly #counts: number[] = [];
  readonly #entries: number[] = [];
  readonly #bytes: number[] = [];
  readonly #inflated: number[] = [];
  readonly #firstKeys: Uint8Array[] = [];
  readonly #blocks: Uint8Array[] = [];
  readonly #open: (Block | undefined)[] = [];
  #openBytes = 0;
  #space = 0;
  #inSpace = 0;
  readonly #next = new BlockWriter();

  constructor({ block, open = MOST_OPEN }: RunLimits) {
    this.#limit = block;
    this.#mostOpen = open;
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
    // A copy: a part of the block's bytes would hold all of them until the run is made.
    const firstKey = new Uint8Array(block.bytes.subarray(block.starts[0], endOfKey(block, 0)));
    const isKept = (this.#openBytes += block.bytes.length) <= this.#mostOpen;
    this.#note(block.count, firstKey, compressedBlock(block.bytes), block.bytes.length, isKept ? block : undefined);
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
