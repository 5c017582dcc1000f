import { infrastructureError } from "../../errors.ts";
import type { InternalRecord, InternalStream } from "../../runtime/shuffle/internal-stream.ts";
import { parsePack, type Pack } from "../../runtime/shuffle/pack.ts";
import type { Partition } from "../../state/partition.ts";
import { outputId } from "../../state/task-id.ts";
import { gatedStream, type Gate } from "../gated.ts";
import type { DrawStream } from "./draws.ts";
import type { FaultKind, Faults } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Mapping } from "./mapping.ts";
import type { Shard, SimulatedStream } from "./stream.ts";

const PUT_KINDS: readonly FaultKind[] = ["reordered", "put-partial", "put-again", "put-resharded"];
const PACK_KINDS: readonly FaultKind[] = ["poison", "killer", "killer-at-times"];

export interface ShuffleStreamSettings {
  /** The stage that reads it. */
  readonly name: string;
  readonly stream: SimulatedStream;
  readonly mapping: () => Mapping;
  readonly faults: Faults;
  readonly ledger: () => Ledger;
}

/** A stream between stages: what its service does with PutRecords. */
export class ShuffleStream {
  readonly #settings: ShuffleStreamSettings;
  /** The chance that the process ends that takes an element, by the element's output id. */
  readonly kills = new Map<string, number>();
  readonly #known = new Set<string>();

  constructor(settings: ShuffleStreamSettings) {
    this.#settings = settings;
  }

  /** The stream as one process sees it: it remembers which partitions were open. */
  seenFrom(gate: Gate): InternalStream {
    const { name } = this.#settings;
    let known: readonly Partition[] | undefined;
    const open = async () => this.#open();
    const gated = gatedStream(name, { put: async (records) => this.#put(records), open }, gate);
    return {
      put: (records) => gated.put(records),
      open: async (fresh) => (fresh || known === undefined ? (known = await gated.open(fresh)) : known),
    };
  }

  #open(): readonly Partition[] {
    return this.#settings.stream.open.map(({ id, range }) => ({ id, parents: [], range }));
  }

  #put(records: readonly InternalRecord[]): readonly string[] {
    const { faults, name } = this.#settings;
    const fault = faults.at(`puts into ${name}`, PUT_KINDS);
    if (fault?.kind === "put-resharded") this.#reshard(fault.draws);
    if (fault === undefined || fault.kind === "put-resharded") return records.map((record) => this.#take(record).id);
    const order = fault.draws.shuffled(records);
    if (fault.kind === "put-partial") {
      for (const record of order.slice(0, fault.draws.below(order.length + 1))) this.#take(record);
      throw infrastructureError({
        code: "simulation/put",
        message: `The stream of ${name} took a part of the records.`,
      });
    }
    if (fault.kind === "put-again") {
      for (const record of order.slice(0, fault.draws.between(1, order.length))) this.#take(record);
    }
    const takers = new Map(order.map((record) => [record, this.#take(record).id]));
    return records.map((record) => takers.get(record)!);
  }

  #take({ partitionKey, hash, text }: InternalRecord): Shard {
    const { stream, mapping, ledger, name } = this.#settings;
    const pack = parsePack(text);
    if (!this.#known.has(text)) this.#harm(text, pack, partitionKey);
    const { shard } = stream.put({ pack, partitionKey, hash, payload: Buffer.from(text), kills: 0 });
    mapping().wake(shard);
    if (pack.kind === "news") ledger().takeNews(name, pack, shard, stream.open);
    else for (const { index } of pack.elements) ledger().takeElement(name, outputId(pack.producer, pack.epoch, index));
    return shard;
  }

  /** What is odd about a pack is so whenever it comes. */
  #harm(text: string, pack: Pack, partitionKey: string): void {
    this.#known.add(text);
    const { faults, name, stream, mapping } = this.#settings;
    if (pack.kind === "news") return;
    const fault = faults.at(`packs for ${name}`, PACK_KINDS);
    if (fault === undefined) return;
    if (fault.kind === "poison") {
      // Nobody but the pipeline should write there, yet somebody does.
      const payload = Buffer.from(text.slice(0, -1));
      const { shard } = stream.put({ partitionKey, payload, kills: 0 });
      mapping().wake(shard);
      return;
    }
    const { index } = fault.draws.pick(pack.elements);
    this.kills.set(outputId(pack.producer, pack.epoch, index), fault.kind === "killer" ? 1 : 0.5);
  }

  #reshard(draws: DrawStream): void {
    const { stream, mapping } = this.#settings;
    const before = stream.shards.length;
    const shard = draws.pick(stream.open);
    if (draws.chance(0.5)) stream.split(shard, draws.next());
    else stream.merge(shard);
    for (const added of stream.shards.slice(before)) mapping().wake(added);
  }
}

/** The elements of a pack one by one, by the ids of the outputs that they are. */
export function elementsIn(pack: Extract<Pack, { kind: "elements" }>) {
  return pack.elements.map((element) => ({ id: outputId(pack.producer, pack.epoch, element.index), element }));
}

/** The id of the only element in a record's text; undefined for what is no pack of one. */
export function onlyElementIn(base64: string): string | undefined {
  try {
    const pack = parsePack(Buffer.from(base64, "base64").toString());
    return pack.kind === "elements" && pack.elements.length === 1
      ? outputId(pack.producer, pack.epoch, pack.elements[0]!.index)
      : undefined;
  } catch {
    return undefined;
  }
}
