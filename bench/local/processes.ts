import { readdirSync, readFileSync } from "node:fs";
import { usageOf } from "../harness/metered.ts";

/** What a process of the local stack is, by its command line. */
const KINDS: readonly (readonly [part: string, kind: string])[] = [
  ["environment-entry", "functions"],
  ["kinesalite-entry", "kinesalite"],
  ["dynalite-entry", "dynalite"],
  ["conversion-entry", "Parquet of Firehose"],
  ["esbuild", "synthesis"],
  ["cdk", "synthesis"],
  ["infra/", "synthesis"],
  ["localstack/start/main.ts", "feed, mappings, gateways, comparison"],
];

interface Seen {
  readonly kind: string;
  readonly cpu: number;
}

/** CPU seconds of the processes below one, by what they are: as they were last seen. Linux only. */
export class Processes {
  readonly #root: number;
  readonly #seen = new Map<number, Seen>();

  constructor(root: number) {
    this.#root = root;
  }

  sample(): void {
    const children = new Map<number, number[]>();
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
      if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
    }
    const below = (pid: number): readonly number[] =>
      (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
    for (const pid of below(this.#root)) this.#look(pid);
  }

  #look(pid: number): void {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      if (line === "") return; // it has ended
      const kind = KINDS.find(([part]) => line.includes(part))?.[1] ?? "other";
      this.#seen.set(pid, { kind, cpu: usageOf(pid).cpu });
    } catch {
      // It has ended between two looks.
    }
  }

  /** CPU seconds by kind. */
  get byKind(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const { kind, cpu } of this.#seen.values()) sums[kind] = (sums[kind] ?? 0) + cpu;
    return sums;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
