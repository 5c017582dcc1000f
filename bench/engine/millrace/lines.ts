import { closeSync, openSync, readSync } from "node:fs";

const CHUNK = 1 << 20;
const LINE_END = 0x0a;

/** The lines of a file as bytes, read piece by piece into memory that is not used again. */
export function* linesOf(file: string): Generator<Buffer> {
  const descriptor = openSync(file, "r");
  let rest = Buffer.alloc(0);
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(rest.length + CHUNK);
    rest.copy(buffer);
    const read = readSync(descriptor, buffer, rest.length, CHUNK, null);
    if (read === 0) break;
    const filled = rest.length + read;
    let from = 0;
    for (let end; (end = buffer.indexOf(LINE_END, from)) !== -1 && end < filled; from = end + 1)
      yield buffer.subarray(from, end);
    rest = buffer.subarray(from, filled);
  }
  if (rest.length > 0) yield rest;
  closeSync(descriptor);
}

/** So many lines at a time. */
export function* batchesOf(file: string, size: number): Generator<readonly Buffer[]> {
  let batch: Buffer[] = [];
  for (const line of linesOf(file)) {
    batch.push(line);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
