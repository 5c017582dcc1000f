import { describe, expect, test } from "vitest";
import type { Changelog } from "../../lib/state/changelog.ts";
import type { StoredCommit } from "../../lib/state/commit.ts";
import { changelogContract } from "../contracts/changelog.ts";
import type { Configuration } from "./configuration.ts";
import { CONFIGURATIONS } from "./configurations.ts";
import { replay, search } from "./search.ts";
import { emptyWorld, logOf, services, withEntry, type Services, type World } from "./world.ts";

const named = (name: string): Configuration => CONFIGURATIONS.find((one) => one.name === name)!;

/** The explorer's own changelog, as the runtime sees it. */
function modelChangelog(): Changelog {
  let world: World = emptyWorld([]);
  const ask = async (operation: string, args: readonly unknown[]) => {
    const outcome = services(world, { service: "changelog", operation, subject: "", args });
    world = outcome.world;
    return outcome.answer;
  };
  return new Proxy({} as Changelog, {
    get: (_, operation) => (operation === "then" ? undefined : (...args: unknown[]) => ask(String(operation), args)),
  });
}

changelogContract("the explorer's", async () => modelChangelog());

describe("every schedule of a small configuration keeps the laws", () => {
  for (const name of ["one-writer", "spilled", "poison-that-kills"]) {
    test(name, async () => {
      const found = await search(named(name));
      expect(found.broken).toBeUndefined();
      expect(found.isCutShort).toBe(false);
      expect(found.states).toBeGreaterThan(200);
      expect(found.ends).toBeGreaterThan(0);
      expect(found.schedules).toBeGreaterThan(200n);
    });
  }
});

/** A world that is not as it should be: what it does with a changelog's or a sink's request, or nothing for as it should. */
const broken =
  (change: (world: World, operation: string, args: readonly unknown[]) => ReturnType<Services> | undefined): Services =>
  (world, request) =>
    change(world, request.operation, request.args) ?? services(world, request);

const BROKEN: readonly [name: string, configuration: string, law: string, services: Services][] = [
  [
    "a changelog that lets two puts of one epoch win",
    "two-writers",
    "X1",
    broken((world, operation, args) => {
      if (operation !== "append") return undefined;
      const [task, commit] = args as [string, StoredCommit];
      const log = logOf(world, task);
      const commits = [...log.commits.filter(({ epoch }) => epoch !== commit.epoch), commit];
      const tasks = withEntry(world.tasks, task, { ...log, commits, ever: [...log.ever, commit] });
      return { world: { ...world, tasks }, answer: true };
    }),
  ],
  [
    "a changelog that forgets what it has acknowledged",
    "one-writer",
    "X1",
    broken((world, operation) => (operation === "append" ? { world, answer: true } : undefined)),
  ],
  [
    "a changelog that says won to who has lost",
    "two-writers",
    "X1",
    broken((world, operation, args) =>
      operation === "append"
        ? { ...services(world, { service: "changelog", operation, subject: "", args }), answer: true }
        : undefined,
    ),
  ],
  [
    "a sink that acknowledges and takes nothing",
    "one-writer",
    "X5",
    broken((world, operation) => (operation === "deliver" ? { world, answer: [] } : undefined)),
  ],
  [
    "a changelog whose reads show an older head",
    "one-writer",
    "never succeeded",
    broken((world, operation, args) => {
      if (operation !== "newest") return undefined;
      const log = logOf(world, args[0] as string);
      return { world, answer: { item: log.item, commits: [], complete: true, bytes: 0 } };
    }),
  ],
];

describe("what is broken is found, with a schedule that shows it again", () => {
  for (const [name, configuration, law, brokenServices] of BROKEN) {
    test(name, async () => {
      const world = { ...named(configuration), services: brokenServices };
      const { broken: found } = await search(world, { maxStates: 20_000 });
      expect(found?.law).toContain(law);
      const violation = await replay(world, found!.schedule, () => undefined);
      expect(violation?.message).toBe(found!.law);
    });
  }
});
