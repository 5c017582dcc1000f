import { closeSync, openSync, writeSync } from "node:fs";
import { OUTPUT_ID } from "../../../lib/connectors/firehose/declare.ts";
import type { Delivery, Refusal, SinkWriter } from "../../../lib/runtime/sink-writer.ts";

const BUFFERED = 1 << 20;

/** A window without an end closes with all its rows at once: UTF-16 units that are written of them at a time. */
const AT_ONCE = 1 << 18;

/** A sink that writes what it is given into a file, one row a line with its id (X8), as often as it is given it. */
export class RowFile implements SinkWriter {
  readonly file: string;
  readonly #descriptor: number;
  /** What is not written yet, as bytes: a megabyte of texts would be copied by every collection of garbage. */
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFERED);
  #filled = 0;
  #rows = 0;

  constructor(file: string) {
    this.file = file;
    this.#descriptor = openSync(file, "w");
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    let lines = "";
    for (const { id, body } of deliveries) {
      lines += `{"${OUTPUT_ID}":${JSON.stringify(id)},${body.slice(1)}\n`;
      if (lines.length < AT_ONCE) continue;
      this.#append(lines);
      lines = "";
    }
    this.#append(lines);
    this.#rows += deliveries.length;
    return [];
  }

  /** Rows given, those that came again among them. */
  get rows(): number {
    return this.#rows;
  }

  close(): void {
    this.#write();
    closeSync(this.#descriptor);
  }

  #append(lines: string): void {
    const most = 3 * lines.length; // bytes of UTF-8
    if (this.#filled + most > BUFFERED) this.#write();
    if (most > BUFFERED) writeSync(this.#descriptor, lines);
    else this.#filled += this.#buffer.write(lines, this.#filled);
  }

  #write(): void {
    writeSync(this.#descriptor, this.#buffer, 0, this.#filled);
    this.#filled = 0;
  }
}
