import { closeSync, openSync, writeSync } from "node:fs";
import { OUTPUT_ID } from "../../../lib/connectors/firehose/declare.ts";
import type { Delivery, Refusal, SinkWriter } from "../../../lib/runtime/sink-writer.ts";

const BUFFERED = 1 << 20;

/** A sink that writes what it is given into a file, one row a line with its id (X8), as often as it is given it. */
export class RowFile implements SinkWriter {
  readonly file: string;
  readonly #descriptor: number;
  #lines = "";
  #rows = 0;

  constructor(file: string) {
    this.file = file;
    this.#descriptor = openSync(file, "w");
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    for (const { id, body } of deliveries) {
      this.#lines += `{"${OUTPUT_ID}":${JSON.stringify(id)},${body.slice(1)}\n`;
    }
    this.#rows += deliveries.length;
    if (this.#lines.length >= BUFFERED) this.#write();
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

  #write(): void {
    writeSync(this.#descriptor, this.#lines);
    this.#lines = "";
  }
}
