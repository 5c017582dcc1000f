import { closeSync, openSync, readSync } from "node:fs";

const CHUNK = 1 << 20;
const LINE_END = 0x0a;

/** The lines of a file as bytes, read piece by piece. A line is overwritten once the next piece is read: use it, or copy it. */
export function* linesOf(file: string): Generator<Buffer> {
  const descriptor = openSync(file, "r");
  let buffer = Buffer.allocUnsafe(2 * CHUNK);
  let filled = 0;
  for (;;) {
    if (buffer.length - filled < CHUNK) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    const read = readSync(descriptor, buffer, filled, CHUNK, null);
    if (read === 0) break;
    filled += read;
    let from = 0;
    for (let end; (end = buffer.indexOf(LINE_END, from)) !== -1 && end < filled; from = end + 1)
      yield buffer.subarray(from, end);
    buffer.copyWithin(0, from, filled);
    filled -= from;
  }
  if (filled > 0) yield buffer.subarray(0, filled);
  closeSync(descriptor);
}

/** So many lines at a time, as bytes of their own. */
export function* batchesOf(file: string, size: number): Generator<readonly Buffer[]> {
  let batch: Buffer[] = [];
  for (const line of linesOf(file)) {
    batch.push(Buffer.from(line));
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
