import type { CutText } from "../../state/cut-text.ts";
import { outputIndex } from "../../state/task-id.ts";
import type { Delivery } from "../sink-writer.ts";
import { ELEMENTS_END, elementsHead } from "./pack.ts";

/** A record larger than this is billed as several, and a larger one is no cheaper: bytes. */
const PACK_BYTES = 25 * 1_024;

/** What an element takes beside its text: its index. */
const INDEX_BYTES = 8;

/** What is packed of one key group and entry. */
export interface PackedElements {
  readonly group: string;
  readonly text: string;
}

interface OpenPack {
  readonly group: string;
  readonly entry: string;
  bytes: number;
  /** What the text is put together of, once all is there. */
  parts: string[];
}

/** Packs a commit's elements: of one key group and entry, in their order, as many to a record as cost nothing more. */
export class Packs {
  readonly #task: string;
  readonly #epoch: number;
  /** By what follows the group in an element, ` entry [`, and by the group. */
  readonly #open = new Map<string, Map<string, OpenPack>>();
  readonly #full: PackedElements[] = [];

  constructor(task: string, epoch: number) {
    this.#task = task;
    this.#epoch = epoch;
  }

  add(delivery: Delivery): void {
    const { cut, index = outputIndex(delivery.id) } = delivery;
    if (cut === undefined) this.#addText(delivery.body, index);
    else this.#addCut(cut, index);
  }

  /** The packs. */
  end(): readonly PackedElements[] {
    for (const byGroup of this.#open.values()) for (const pack of byGroup.values()) this.#close(pack);
    return this.#full;
  }

  #addText(body: string, index: number): void {
    const space = body.indexOf(" ");
    const start = body.indexOf(" [", space) + 2;
    // An estimate: what is not ASCII takes more, and then the record costs a little more.
    const parts = this.#partsFor(body.slice(0, space), body.slice(space, start), body.length - start + 1);
    parts.push(indexText(parts, index), body.slice(start));
  }

  /** Of one that is cut, the group is the first value, and ` entry [` follows it. */
  #addCut({ pieces, values }: CutText, index: number): void {
    let units = 1;
    for (let i = 1; i < values.length; i++) units += values[i]!.length + pieces[i + 1]!.length;
    const parts = this.#partsFor(values[0]!, pieces[1]!, units);
    parts.push(indexText(parts, index));
    for (let i = 1; i < values.length; i++) parts.push(values[i]!, pieces[i + 1]!);
  }

  /** The parts of the pack that takes an element. @param units of its text */
  #partsFor(group: string, before: string, units: number): string[] {
    let byGroup = this.#open.get(before);
    if (byGroup === undefined) this.#open.set(before, (byGroup = new Map<string, OpenPack>()));
    let pack = byGroup.get(group);
    if (pack === undefined) byGroup.set(group, (pack = { group, entry: before.slice(1, -2), bytes: 0, parts: [] }));
    const bytes = units + INDEX_BYTES;
    if (pack.bytes > 0 && pack.bytes + bytes > PACK_BYTES) this.#close(pack);
    pack.bytes += bytes;
    return pack.parts;
  }

  #close(pack: OpenPack): void {
    const { group, entry, parts } = pack;
    parts.push(ELEMENTS_END);
    this.#full.push({ group, text: elementsHead(this.#task, this.#epoch, entry) + parts.join("") });
    pack.bytes = 0;
    pack.parts = [];
  }
}

/** How an element begins: after others with a comma. */
const indexText = (before: readonly string[], index: number): string =>
  before.length === 0 ? `[${index},` : `,[${index},`;
