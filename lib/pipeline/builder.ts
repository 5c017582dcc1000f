import { definitionError } from "../errors.ts";
import { checkName } from "./names.ts";
import { rootsOfAll } from "./roots.ts";
import { broadcastsReadBy, inputsOf, type Node } from "./topology.ts";
import { refuseUnordered } from "./unordered.ts";

/** Collects a pipeline's nodes and refuses, by name, what cannot be. One per pipeline. */
export class Builder {
  readonly #pipeline: string;
  readonly #nodes: Node[] = [];
  readonly #names = new Set<string>();

  constructor(pipeline: string) {
    this.#pipeline = pipeline;
  }

  /** @returns the node's index @throws definition errors `name/invalid`, `pipeline/invalid` */
  add(node: Node): number {
    const isSide = node.kind === "side";
    checkName(`${this.where}: a ${node.kind}`, isSide ? node.name.slice(0, -node.side.length - 1) : node.name);
    if (this.#names.has(node.name)) {
      throw this.refuse(
        `two of its parts`,
        `are named "${node.name}"`,
        "A name addresses an operator's state: give each its own.",
      );
    }
    this.#names.add(node.name);
    refuseUnordered(this, node);
    return this.#nodes.push(node) - 1;
  }

  nodeAt(index: number): Node {
    return this.#nodes[index]!;
  }

  /** Nodes so far. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Which source or shuffle a node's partitions are of: streams of one root are partitioned alike. */
  rootsOf(index: number): ReadonlySet<number> {
    return rootsOfAll(this.#nodes)[index]!;
  }

  /** All nodes, once nothing more is added. @throws definition error `pipeline/invalid` for streams that end nowhere */
  finish(): readonly Node[] {
    if (this.#nodes.length === 0) throw this.refuse("it", "is empty", "Begin with flow.from(source).");
    const read = new Set(
      this.#nodes.flatMap((node) => (node.kind === "side" ? [] : [...inputsOf(node), ...broadcastsReadBy(node)])),
    );
    const withSides = new Set(this.#nodes.flatMap((node) => (node.kind === "side" ? [node.input] : [])));
    this.#nodes.forEach((node, i) => {
      // A split has nothing but sides, and a side is made only when it is used.
      if (
        node.kind === "sink" ||
        node.kind === "metric" ||
        node.kind === "side" ||
        node.kind === "split" ||
        read.has(i)
      )
        return;
      if (node.kind === "process" && withSides.has(i)) return;
      const what = node.kind === "window" ? "has rows that lead nowhere" : "leads nowhere";
      throw this.refuse(`"${node.name}"`, what, "End the stream with .to(sink), or take it out.");
    });
    return this.#nodes;
  }

  /** Checks that the user gave a function. @throws definition error `pipeline/invalid` */
  function<F>(operator: string, name: string, user: F): F {
    if (typeof user === "function") return user;
    throw this.refuse(`${operator}("${name}")`, "was not given a function");
  }

  /** How errors begin: `pipeline("name")`. */
  get where(): string {
    return `pipeline("${this.#pipeline}")`;
  }

  refuse(part: string, problem: string, advice?: string) {
    return definitionError({
      code: "pipeline/invalid",
      message: `${this.where}: ${part} ${problem}.`,
      ...(advice === undefined ? {} : { advice }),
    });
  }
}
