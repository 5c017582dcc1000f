import type { Interner } from "./interning.ts";
import { LiveProcess, type Input, type ProcessSettings, type Settled } from "./live-process.ts";
import type { Request } from "./world.ts";

/** A process at a moment between two inputs, known by the inputs that led there. */
export interface Moment {
  readonly id: number;
  readonly uid: number;
  /** The requests that wait for an answer, by their number in this process. */
  readonly waiting: ReadonlyMap<number, Request>;
  /** What ended upon the last input. */
  readonly settled: readonly Settled[];
  readonly died: boolean;
  /** How many requests it has sent. */
  readonly sent: number;
  /** It was invoked, and has got no answer since. */
  readonly isBegun: boolean;
}

interface Node extends Moment {
  readonly before: { readonly node: Node; readonly input: Input } | undefined;
  readonly after: Map<string, Node>;
}

/** So many processes are kept alive, to go on from where they are. */
const KEPT_ALIVE = 500;

/**
 * What processes do, by all that entered them. A process is a deterministic function of its inputs, so what it does
 * upon each sequence of them is found out once, by running it, and remembered.
 */
export class Behaviours {
  readonly #settings: ProcessSettings;
  readonly #interner: Interner;
  readonly #roots = new Map<number, Node>();
  readonly #alive = new Map<Node, LiveProcess>();
  #moments = 0;

  constructor(settings: ProcessSettings, interner: Interner) {
    this.#settings = settings;
    this.#interner = interner;
  }

  /** Different moments of processes that were seen. */
  get size(): number {
    return this.#moments;
  }

  /** A process that was just started and was asked nothing. */
  fresh(uid: number): Moment {
    let root = this.#roots.get(uid);
    if (root === undefined) {
      root = this.#node(uid, undefined, { requests: [], settled: [], died: false });
      this.#roots.set(uid, root);
    }
    return root;
  }

  async after(moment: Moment, input: Input): Promise<Moment> {
    const node = moment as Node;
    const key = this.#interner.textOf(input);
    const known = node.after.get(key);
    if (known !== undefined) return known;
    const process = this.#alive.get(node) ?? (await this.#rerun(node));
    this.#alive.delete(node);
    const next = this.#node(node.uid, { node, input }, await process.take(input));
    const hangs = next.waiting.size === 0 && next.settled.length === 0 && !next.died;
    if (hangs) throw new Error("A process waits for nothing that is a request");
    node.after.set(key, next);
    this.#keep(next, process);
    return next;
  }

  #keep(node: Node, process: LiveProcess): void {
    if (this.#alive.size >= KEPT_ALIVE) this.#alive.delete(this.#alive.keys().next().value!);
    if (!node.died) this.#alive.set(node, process);
  }

  /** Another process with the same inputs. That it does the same is checked, since everything rests on it. */
  async #rerun(node: Node): Promise<LiveProcess> {
    const path: Node[] = [];
    for (let at: Node | undefined = node; at?.before !== undefined; at = at.before.node) path.push(at);
    const process = new LiveProcess(node.uid, this.#settings);
    for (const next of path.reverse()) {
      const { requests, settled } = await process.take(next.before!.input);
      const sent = [...next.waiting]
        .filter(([number]) => number >= next.before!.node.sent)
        .map(([, request]) => request);
      if (this.#interner.textOf([requests, settled]) !== this.#interner.textOf([sent, next.settled]))
        throw new Error("A process did something else upon the same inputs");
    }
    return process;
  }

  #node(
    uid: number,
    before: Node["before"],
    { requests, settled, died }: Pick<Moment, "settled" | "died"> & { readonly requests: readonly Request[] },
  ): Node {
    const sent = before?.node.sent ?? 0;
    const waiting = new Map(before?.node.waiting);
    if (before !== undefined && before.input.kind !== "invoke") waiting.delete(before.input.request);
    requests.forEach((request, i) => waiting.set(sent + i, request));
    const id = this.#moments++;
    return {
      id,
      uid,
      waiting,
      settled,
      died,
      sent: sent + requests.length,
      isBegun: before?.input.kind === "invoke",
      before,
      after: new Map(),
    };
  }
}
