import type { HeldBytes } from "../../../lib/runtime/record.ts";
import { closeSync, openSync, readSync } from "node:fs";

const CHUNK = 1 << 20;
const LINE_END = 0x0a;

/** The lines of a file as bytes. */
export function* linesOf(file: string): Generator<Buffer> {
  for (const { holder, start, end } of heldLinesOf(file)) yield holder.subarray(start, end);
}

/** The lines of a file where they lie: it is read piece by piece into memory that is not used again. */
function* heldLinesOf(file: string): Generator<HeldBytes> {
  const descriptor = openSync(file, "r");
  let rest = Buffer.alloc(0);
  for (;;) {
    // A line that is longer than a piece is not copied once more for each piece of it.
    const more = Math.max(CHUNK, 4 * rest.length);
    const buffer = Buffer.allocUnsafeSlow(rest.length + more);
    rest.copy(buffer);
    const read = readSync(descriptor, buffer, rest.length, more, null);
    if (read === 0) break;
    const filled = rest.length + read;
    let from = 0;
    for (let end; (end = buffer.indexOf(LINE_END, from)) !== -1 && end < filled; from = end + 1)
      yield { holder: buffer, start: from, end };
    rest = buffer.subarray(from, filled);
  }
  if (rest.length > 0) yield { holder: rest, start: 0, end: rest.length };
  closeSync(descriptor);
}

/** So many lines at a time. */
export function* batchesOf(file: string, size: number): Generator<readonly HeldBytes[]> {
  let batch: HeldBytes[] = [];
  for (const line of heldLinesOf(file)) {
    batch.push(line);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
