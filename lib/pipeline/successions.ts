import type { Builder } from "./builder.ts";
import { checkName } from "./names.ts";
import type { Node } from "./topology.ts";

/**
 * Checks the names that operators had, and those whose state goes: each says one thing of one operator.
 *
 * @throws definition errors `name/invalid`, `pipeline/invalid`
 */
export function checkSuccessions(builder: Builder, nodes: readonly Node[], dropped: readonly string[]): void {
  const taken = new Map(nodes.map(({ name }) => [name, `is the name of a ${kindOf(nodes, name)}`]));
  const take = (name: string, whose: string, as: string) => {
    checkName(`${builder.where}: ${whose}`, name);
    const how = taken.get(name);
    if (how !== undefined) throw builder.refuse(`${whose} "${name}"`, how, ADVICE);
    taken.set(name, as);
  };
  for (const node of nodes) {
    const was = "was" in node ? node.was : [];
    for (const name of was) take(name, `what "${node.name}" was,`, `is what "${node.name}" was`);
  }
  for (const name of dropped) take(name, "what is dropped,", "is dropped");
}

const kindOf = (nodes: readonly Node[], name: string): string => nodes.find((node) => node.name === name)!.kind;

const ADVICE =
  "A name that is given up is free again once every task has a checkpoint without it (docs/state-evolution.md).";
