import { DEAD_LETTERS, type DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { must, type Configuration } from "./configuration.ts";
import { contentOf, headOf, rowsOf, undelivered } from "./decoded.ts";
import { allCommits, type WindowRow } from "./laws.ts";
import type { World } from "./world.ts";

/** X5, X12: what must hold once every trigger is acknowledged, before anything is drained. @throws a violation */
export function checkQuiet(world: World): void {
  for (const { task, stored } of allCommits(world)) {
    const missing = undelivered(world, task, stored);
    must(missing.length === 0, `X5: every trigger is acknowledged, and ${missing.join()} was never delivered`);
  }
  for (const task of world.tasks.keys()) {
    const head = headOf(world, task);
    const tick = head && contentOf(world, task, head).header.tick;
    must(tick === undefined, `X12: ${task} waits for tick ${tick?.id}, which is on its way no more`);
  }
}

/** What must hold once everything is drained: every record is in the rows exactly once. @throws a violation */
export function checkDrained(world: World, { shards, pipeline }: Configuration): void {
  checkQuiet(world);
  const commits = allCommits(world).map(({ content }) => content);
  const dead = commits.flatMap((commit) => rowsOf<DeadLetter>(commit, DEAD_LETTERS));
  const deadIds = dead.map(({ position }) => `r${position?.sequence}`);
  const rows = (sink: string) => commits.flatMap((commit) => rowsOf<{ id: string }>(commit, sink).map(({ id }) => id));
  const windowed = commits.flatMap((commit) =>
    rowsOf<WindowRow>(commit, "windows").flatMap(({ ids }) => ids.split(",")),
  );
  const all = shards.flatMap(({ records }) => records);
  const expected = all.map(({ position }) => `r${position.sequence}`);
  const deadly = all.filter(({ base64 }) => isDeadly(base64)).map(({ position }) => `r${position.sequence}`);
  mustEqual(deadIds, deadly, "X7: dead letters");
  mustEqual([...windowed, ...rows("late"), ...deadIds], expected, "X2, X3: records in windows, late and dead letters");
  if (pipeline?.each !== false) mustEqual([...rows("each"), ...deadIds], expected, "X2, X3: rows for each record");
}

const isDeadly = (base64: string): boolean =>
  (JSON.parse(Buffer.from(base64, "base64").toString()) as { readonly kills?: boolean }).kills === true;

function mustEqual(found: readonly string[], expected: readonly string[], what: string): void {
  const [a, b] = [found.toSorted().join(), expected.toSorted().join()];
  must(a === b, `${what} are ${a || "none"}, and should be ${b || "none"}`);
}
