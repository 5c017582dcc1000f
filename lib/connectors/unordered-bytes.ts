import type { Position } from "../state/position.ts";
import type { UnorderedRecord } from "../runtime/unordered/unordered-runtime.ts";

/** A record of bytes that were never base64: only what becomes a dead letter is made that. */
export class BytesRecord implements UnorderedRecord {
  readonly position: Position;
  readonly arrival: number;
  readonly partitionKey: string;
  readonly group: string | undefined;
  readonly bytes: Buffer;

  constructor(
    bytes: Buffer,
    { id, arrival, index = 0, group }: { id: string; arrival: number; index?: number; group?: string | undefined },
  ) {
    this.bytes = bytes;
    this.partitionKey = id;
    this.arrival = arrival;
    this.position = { sequence: "0", index };
    this.group = group;
  }

  get base64(): string {
    return this.bytes.toString("base64");
  }
}
