import type { ProducerNews } from "../../../state/producers.ts";
import { parseTaskName } from "../../../state/task-id.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../../time/instant.ts";

interface Producer {
  epoch: number;
  /** Indexes of the epoch's outputs that came; undefined once all have. */
  seen: Set<number> | undefined;
  watermark: number;
  state: "named" | "active" | "idle" | "replaced";
}

/** What a reader must know of those that write to it, by the rules of docs/spec.md section 5. */
export class KnownProducers {
  #known = new Map<string, Producer>();

  /** What a task begins with that takes over from others: of each producer, what the one knew that heard more of it. */
  static join(all: readonly KnownProducers[]): KnownProducers {
    const joined = new KnownProducers();
    for (const [name, of] of all.flatMap((one) => [...one.#known])) {
      const one = { ...of, seen: of.seen && new Set(of.seen) };
      const other = joined.#known.get(name);
      joined.#known.set(name, other === undefined ? one : joinTwo(other, one));
    }
    return joined;
  }

  copy(): KnownProducers {
    return KnownProducers.join([this]);
  }

  /** Takes over what another one knows. */
  become(other: KnownProducers): void {
    this.#known = other.#known;
  }

  /** Whether an element is new, and known from now on. */
  admits(producer: string, epoch: number, index: number): boolean {
    const known = this.#get(producer);
    if (known.state === "replaced" || epoch < known.epoch) return false;
    if (epoch > known.epoch) this.#known.set(producer, Object.assign(known, { epoch, seen: new Set() }));
    if (known.seen === undefined || known.seen.has(index)) return false;
    this.#known.set(producer, known);
    known.seen.add(index);
    known.state = "active";
    return true;
  }

  hears(producer: string, epoch: number, { watermark, isIdle, roots = [], heirs }: ProducerNews): void {
    const known = this.#get(producer);
    if (known.state === "replaced" || epoch < known.epoch) return;
    if (epoch === known.epoch && known.seen === undefined) return;
    for (const root of roots) this.#known.set(root, this.#get(root));
    for (const name of heirs ?? []) {
      const heir = this.#known.get(name) ?? named(END_OF_TIME);
      this.#known.set(name, heir);
      // One that takes over from two is no further than the slower one, until it speaks for itself.
      if (heir.state === "named") heir.watermark = Math.min(heir.watermark, watermark);
    }
    const state = heirs !== undefined ? "replaced" : isIdle ? "idle" : "active";
    this.#known.set(producer, { epoch, seen: undefined, watermark, state });
  }

  /** How far event time is, and whether nobody has anything to say. @param stages that write */
  time(stages: readonly string[]): { readonly watermark: number; readonly areIdle: boolean } {
    const spoken = new Set([...this.#known.keys()].map((name) => parseTaskName(name).stage));
    if (!stages.every((stage) => spoken.has(stage))) return { watermark: BEFORE_ALL_TIME, areIdle: false };
    const counting = [...this.#known.values()].filter(({ state }) => state !== "replaced");
    const awaited = counting.filter(({ state }) => state !== "idle");
    const watermarks = (of: readonly Producer[]) => of.map(({ watermark }) => watermark);
    return awaited.length > 0
      ? { watermark: Math.min(...watermarks(awaited)), areIdle: false }
      : { watermark: Math.max(BEFORE_ALL_TIME, ...watermarks(counting)), areIdle: true };
  }

  #get(name: string): Producer {
    return this.#known.get(name) ?? named(BEFORE_ALL_TIME);
  }
}

const named = (watermark: number): Producer => ({ epoch: 0, seen: undefined, watermark, state: "named" });

function joinTwo(a: Producer, b: Producer): Producer {
  for (const one of [a, b]) if (one.state === "replaced") return one;
  if (a.epoch !== b.epoch) return a.epoch > b.epoch ? a : b;
  if (a.state === "named") return { ...a, watermark: Math.min(a.watermark, b.watermark) };
  for (const one of [a, b]) if (one.seen === undefined) return one;
  const seen = new Set([...a.seen!, ...b.seen!]);
  return { epoch: a.epoch, seen, watermark: Math.max(a.watermark, b.watermark), state: "active" };
}
