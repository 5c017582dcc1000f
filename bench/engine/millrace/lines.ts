import type { HeldBytes } from "../../../lib/runtime/record.ts";
import { closeSync, openSync, readSync } from "node:fs";

const CHUNK = 1 << 18;
const LINE_END = 0x0a;

/** The lines of a file as bytes. */
export function* linesOf(file: string): Generator<Buffer> {
  for (const [{ holder, start, end }] of batchesOf(file, 1)) yield holder.subarray(start, end);
}

/** So many lines of a file at a time, where they lie: that memory is used again once the next ones are asked for. */
export function* batchesOf(file: string, size: number): Generator<readonly [HeldBytes, ...HeldBytes[]]> {
  const descriptor = openSync(file, "r");
  const free: Buffer[] = [];
  /** What the lines of a batch lie in, the last of which the next line begins in. */
  const held: Buffer[] = [];
  let batch: HeldBytes[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    // A line that is longer than a piece is not copied once more for each piece of it.
    const most = Math.max(CHUNK, 4 * rest.length);
    let buffer = free.pop();
    if (buffer === undefined || buffer.length < most) buffer = Buffer.allocUnsafeSlow(most);
    rest.copy(buffer);
    const read = readSync(descriptor, buffer, rest.length, buffer.length - rest.length, null);
    if (read === 0) break;
    held.push(buffer);
    const filled = rest.length + read;
    let from = 0;
    for (let end; (end = buffer.indexOf(LINE_END, from)) !== -1 && end < filled; from = end + 1) {
      batch.push({ holder: buffer, start: from, end });
      if (batch.length < size) continue;
      yield batch as [HeldBytes, ...HeldBytes[]];
      batch = [];
      if (held.length > 1) free.push(...held.splice(0, held.length - 1));
    }
    rest = buffer.subarray(from, filled);
  }
  if (rest.length > 0) batch.push({ holder: rest, start: 0, end: rest.length });
  if (batch.length > 0) yield batch as [HeldBytes, ...HeldBytes[]];
  closeSync(descriptor);
}
