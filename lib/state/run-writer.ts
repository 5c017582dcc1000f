import { BlockWriter, keyIn, packedBlock, type Block } from "./block.ts";
import { compressedBlock } from "./codec.ts";
import { SortedRun, type RunIndex } from "./sorted-run.ts";

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
    const changes = overlay.changes(space);
    const keys = changes === undefined ? [] : [...changes.keys()].sort();
    writer.begin(space);
    let next = 0;
    if (run !== undefined && place >= 0) {
      const parts = [...run.partsOf(place)];
      for (const [n, part] of parts.entries()) {
        const { block, from, to } = part;
        // Keys up to the next block's first belong here.
        const end = n + 1 < parts.length ? upTo(keys, next, run.index.firstKeys[parts[n + 1]!.block]!) : keys.length;
        const isWhole = from === 0 && to === run.index.entries[block];
        if (end === next && isWhole && writer.takes(run, block)) continue;
        next = mergeBlock(writer, run.open(block, false), part, keys, next, end, changes, overlay.isGone);
      }
    }
    writer.putAll(keys.slice(next), changes, overlay.isGone);
  }
  return writer.end();
}

/** The first of ascending keys, from a place on, that is not below another. */
function upTo(keys: readonly string[], from: number, limit: string): number {
  let at = from;
  while (at < keys.length && keys[at]! < limit) at++;
  return at;
}

function mergeBlock(
  writer: RunWriter,
  block: Block,
  { from, to }: { readonly from: number; readonly to: number },
  keys: readonly string[],
  first: number,
  end: number,
  changes: ReadonlyMap<string, unknown> | undefined,
  isGone: (value: unknown) => boolean,
): number {
  const put = keys.slice(first, end).filter((key) => !isGone(changes!.get(key)));
  const fresh =
    put.length === 0
      ? undefined
      : packedBlock(
          put,
          put.map((key) => changes!.get(key)),
        );
  let at = first;
  let n = 0;
  for (let i = from; i < to; i++) {
    const key = at < end ? keyIn(block, i) : undefined;
    while (at < end && keys[at]! < key!) n = writeNext(writer, fresh, put, keys[at++]!, n);
    if (at < end && keys[at] === key) n = writeNext(writer, fresh, put, keys[at++]!, n);
    else writer.add(block, i);
  }
  while (at < end) n = writeNext(writer, fresh, put, keys[at++]!, n);
  return at;
}

/** Writes what was put for a key, if it was not removed. */
function writeNext(
  writer: RunWriter,
  fresh: Block | undefined,
  put: readonly string[],
  key: string,
  n: number,
): number {
  if (put[n] !== key) return n;
  writer.add(fresh!, n);
  return n + 1;
}

class RunWriter {
  readonly #limit: number;
  readonly #index = {
    spaces: [] as number[],
    counts: [] as number[],
    entries: [] as number[],
    firstKeys: [] as string[],
    bytes: [] as number[],
    inflated: [] as number[],
  } satisfies RunIndex;
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
    const { entries, firstKeys, inflated } = run.index;
    // Small ones are put together.
    if (inflated[block]! < this.#limit / 2) return false;
    this.#flush();
    this.#note(entries[block]!, firstKeys[block]!, run.compressed(block), inflated[block]!, undefined);
    this.#inSpace += entries[block]!;
    return true;
  }

  putAll(
    keys: readonly string[],
    changes: ReadonlyMap<string, unknown> | undefined,
    isGone: (value: unknown) => boolean,
  ): void {
    const put = keys.filter((key) => !isGone(changes!.get(key)));
    for (let from = 0; from < put.length; from += AT_ONCE) {
      const some = put.slice(from, from + AT_ONCE);
      const block = packedBlock(
        some,
        some.map((key) => changes!.get(key)),
      );
      for (let i = 0; i < block.count; i++) this.add(block, i);
    }
  }

  add(block: Block, i: number): void {
    this.#next.add(block, i);
    this.#inSpace++;
    if (this.#next.size >= this.#limit) this.#flush();
  }

  end(): SortedRun {
    this.#endSpace();
    this.#flush();
    return new SortedRun(
      this.#index,
      Buffer.concat(this.#blocks),
      "A checkpoint that was just made",
      undefined,
      this.#open,
    );
  }

  #endSpace(): void {
    if (this.#inSpace === 0) return;
    this.#index.spaces.push(this.#space);
    this.#index.counts.push(this.#inSpace);
    this.#inSpace = 0;
  }

  #flush(): void {
    if (this.#next.count === 0) return;
    const block = this.#next.take();
    this.#note(block.count, keyIn(block, 0), compressedBlock(block.bytes), block.bytes.length, block);
  }

  #note(entries: number, firstKey: string, compressed: Uint8Array, inflated: number, block: Block | undefined): void {
    this.#index.entries.push(entries);
    this.#index.firstKeys.push(firstKey);
    this.#index.bytes.push(compressed.length);
    this.#index.inflated.push(inflated);
    this.#blocks.push(compressed);
    this.#open.push(block);
  }
}

/** So many entries are packed at once. */
const AT_ONCE = 1_024;
