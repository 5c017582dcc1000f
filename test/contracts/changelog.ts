import { beforeEach, describe, expect, test } from "vitest";
import type { Changelog, CheckpointPointer } from "../../lib/state/changelog.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import type { StoredCommit } from "../../lib/state/commit.ts";

const commit = (epoch: number, overrides: Partial<StoredCommit> = {}): StoredCommit => ({
  epoch,
  nonce: `nonce-${epoch}`,
  version: 1,
  codec: "msgpack+deflate",
  checksum: "0123456789abcdef",
  build: "7",
  sinks: ["hourly", "$ticks"],
  totals: { written: epoch * 100, caughtUp: 7 },
  base: epoch > 2 ? { epoch: 2, at: 1_700_000_000_123, written: 200, caughtUp: 3 } : undefined,
  expires: 1_702_592_000_000,
  body: Buffer.from(`body of ${epoch}`),
  ...overrides,
});

const pointer = (epoch: number): CheckpointPointer => ({
  epoch,
  at: 1_700_000_000_123,
  written: epoch * 100,
  caughtUp: 1,
  key: `checkpoints/t/${epoch}-n`,
  bytes: 10,
  version: 1,
  codec: "c",
  checksum: "k",
  build: "7",
});

/** Byte arrays of whatever class, as text, so that commits compare by content. */
const plain = ({ body, ...rest }: StoredCommit) => ({
  ...rest,
  body: body instanceof Uint8Array ? Buffer.from(body).toString() : body,
});

const permutations = (items: readonly number[]): readonly (readonly number[])[] =>
  items.length === 0
    ? [[]]
    : items.flatMap((first) => permutations(items.filter((one) => one !== first)).map((rest) => [first, ...rest]));

/** What every changelog must do. */
export function changelogContract(name: string, make: () => Promise<Changelog>): void {
  describe(`changelog contract: ${name}`, () => {
    let changelog: Changelog;
    let runs = 0;
    let task = "";
    beforeEach(async () => {
      changelog = await make();
      task = `p:0:s:s.0:shardId-${++runs}`;
    });
    const fill = async (to: number) => {
      for (let epoch = 1; epoch <= to; epoch++) expect(await changelog.append(task, commit(epoch))).toBe(true);
    };

    test("a task that nobody wrote is empty", async () => {
      expect(await changelog.newest(task, { from: 0, limit: 1 })).toMatchObject({
        commits: [],
        complete: true,
        item: {
          delivered: 0,
          deliveredTo: {},
          trial: { version: 0 },
          checkpoint: undefined,
          previousCheckpoint: undefined,
        },
      });
      expect((await changelog.range(task, 1, 9)).commits).toEqual([]);
    });

    test("a commit comes back as it was put: inline, spilled, without outputs", async () => {
      const commits = [commit(1), commit(2, { sinks: [] }), commit(3, { body: { key: "spills/x", bytes: 99 } })];
      for (const one of commits) await changelog.append(task, one);
      expect((await changelog.range(task, 1, 3)).commits.map(plain)).toEqual(commits.map(plain));
    });

    test("X1: of many puts of one epoch one wins, and its content stays", async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, i) => changelog.append(task, commit(1, { nonce: `writer ${i}` }))),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      const { commits } = await changelog.range(task, 1, 1);
      expect(commits[0]!.nonce).toBe(`writer ${results.indexOf(true)}`);
    });

    test("X1: the same put again counts as done, by its nonce", async () => {
      expect(await changelog.append(task, commit(1))).toBe(true);
      expect(await changelog.append(task, commit(1))).toBe(true);
      expect(await changelog.append(task, commit(1, { nonce: "other" }))).toBe(false);
    });

    test("the newest come first, down to and including where the reader is", async () => {
      await fill(12); // two digits: epochs are ordered as numbers
      const { commits, complete } = await changelog.newest(task, { from: 9 });
      expect(commits.map(({ epoch }) => epoch)).toEqual([12, 11, 10, 9]);
      expect(complete).toBe(true);
    });

    test("a limit gives the newest, with or without a task item, and says that there is more", async () => {
      await fill(5);
      expect(await changelog.newest(task, { from: 0, limit: 1 })).toMatchObject({
        commits: [{ epoch: 5 }],
        complete: false,
      });
      await changelog.raiseDelivered(task, 5);
      expect(await changelog.newest(task, { from: 0, limit: 1 })).toMatchObject({
        commits: [{ epoch: 5 }],
        complete: false,
        item: { delivered: 5 },
      });
    });

    test("a range is in order and spans pages", async () => {
      const body = Buffer.alloc(300_000, 7);
      for (let epoch = 1; epoch <= 8; epoch++) await changelog.append(task, commit(epoch, { body }));
      const { commits, bytes } = await changelog.range(task, 2, 8);
      expect(commits.map(({ epoch }) => epoch)).toEqual([2, 3, 4, 5, 6, 7, 8]);
      expect(commits.every((one) => Buffer.compare(one.body as Uint8Array, body) === 0)).toBe(true);
      expect(bytes).toBeGreaterThanOrEqual(7 * 300_000);
    });

    test("tasks do not see each other", async () => {
      await fill(2);
      await changelog.append(`${task}0`, commit(1, { nonce: "of another" }));
      expect((await changelog.newest(task, { from: 0 })).commits).toHaveLength(2);
    });

    test("X5: delivered only rises, to all sinks and to one", async () => {
      await changelog.raiseDelivered(task, 5);
      await changelog.raiseDelivered(task, 3);
      await changelog.raiseProgress(task, "a", { epoch: 7, count: 3 });
      await changelog.raiseProgress(task, "$dead-letters", { epoch: 7, count: Number.MAX_SAFE_INTEGER });
      await changelog.raiseProgress(task, "a", { epoch: 6, count: 9 });
      expect((await changelog.newest(task, { from: 0, limit: 1 })).item).toMatchObject({
        delivered: 5,
        deliveredTo: {
          a: { epoch: 7, count: 3 },
          "$dead-letters": { epoch: 7, count: Number.MAX_SAFE_INTEGER },
        },
      });
    });

    test("X5: progress within a commit only rises, and another commit begins anew", async () => {
      const progress = async () => (await changelog.newest(task, { from: 0, limit: 1 })).item.deliveredTo["a"];
      await changelog.raiseProgress(task, "a", { epoch: 7, count: 30 });
      await changelog.raiseProgress(task, "a", { epoch: 7, count: 20 });
      expect(await progress()).toEqual({ epoch: 7, count: 30 });
      await changelog.raiseProgress(task, "a", { epoch: 7, count: 31 });
      expect(await progress()).toEqual({ epoch: 7, count: 31 });
      await changelog.raiseProgress(task, "a", { epoch: 8, count: 1 });
      expect(await progress()).toEqual({ epoch: 8, count: 1 });
    });

    const trialOf = async (key: string) => (await changelog.newest(key, { from: 0, limit: 1 })).item.trial;
    const begin = async (position: string, attempt: string) =>
      changelog.beginTrial(task, await trialOf(task), position, attempt);

    test("X7: attempts at one record gather, each once, until they end; another record's forget them", async () => {
      expect(await trialOf(task)).toEqual({ version: 0, position: "", attempts: [] });
      const seen = await trialOf(task);
      expect(await changelog.beginTrial(task, seen, "5#0", "one 7")).toBe(true);
      expect(await changelog.beginTrial(task, seen, "5#0", "one 7")).toBe(true); // its answer was lost
      expect(await begin("5#0", "two 7")).toBe(true);
      expect(await changelog.beginTrial(task, seen, "5#0", "one 7")).toBe(true); // and was lost again
      expect((await trialOf(task)).attempts.toSorted()).toEqual(["one 7", "two 7"]);
      await changelog.endTrial(task, "one 7");
      await changelog.endTrial(task, "one 7");
      expect(await trialOf(task)).toMatchObject({ position: "5#0", attempts: ["two 7"] });
      await changelog.endTrial(task, "two 7");
      expect(await trialOf(task)).toMatchObject({ position: "5#0", attempts: [] });
      await begin("5#0", "three 7");
      await begin("6#0", "four 7");
      expect(await trialOf(task)).toMatchObject({ position: "6#0", attempts: ["four 7"] });
    });

    test("X7: of beginnings decided upon one reading one is noted, and the others are told", async () => {
      const seen = await trialOf(task);
      const names = Array.from({ length: 10 }, (_, i) => `attempt-${i} 7`);
      const noted = await Promise.all(names.map((name) => changelog.beginTrial(task, seen, "5#0", name)));
      expect(noted.filter(Boolean)).toHaveLength(1);
      expect((await trialOf(task)).attempts).toEqual([names[noted.indexOf(true)]]);
    });

    test("X7: a beginning that arrives after its own end is none, wherever it arrives", async () => {
      const onNothing = await trialOf(task);
      await changelog.endTrial(task, "one 7");
      expect(await changelog.beginTrial(task, onNothing, "5#0", "one 7")).toBe(false);
      await begin("5#0", "two 7");
      const onOne = await trialOf(task);
      await changelog.endTrial(task, "three 7");
      expect(await changelog.beginTrial(task, onOne, "5#0", "three 7")).toBe(false);
      expect(await changelog.beginTrial(task, onOne, "6#0", "three 7")).toBe(false);
      expect((await trialOf(task)).attempts).toEqual(["two 7"]);
    });

    test("X7: six notes in a row that time out and arrive later, in whatever order, leave no attempt", async () => {
      const attempts = ["one 7", "two 7", "three 7"];
      for (const [n, order] of permutations([0, 1, 2, 3, 4, 5]).entries()) {
        if (n % 24 > 0) continue; // thirty of them
        const key = `${task}-${n}`;
        const seen = await trialOf(key);
        for (const note of order) {
          const attempt = attempts[note % 3]!;
          if (note < 3) await changelog.beginTrial(key, seen, "5#0", attempt);
          else await changelog.endTrial(key, attempt);
          expect((await trialOf(key)).attempts.length).toBeLessThan(2);
        }
        expect((await trialOf(key)).attempts).toEqual([]);
      }
    });

    test("X7: attempts that ended take no place", async () => {
      for (let i = 0; i < 50; i++) {
        await begin("5#0", `attempt-${i} 7`);
        await changelog.endTrial(task, `attempt-${i} 7`);
      }
      expect(await trialOf(task)).toEqual({ version: 100, position: "5#0", attempts: [] });
    });

    test("where a task comes from is noted once, and no later note changes it", async () => {
      const lineage = async () => (await changelog.newest(task, { from: 0, limit: 1 })).item.lineage;
      expect(await lineage()).toBeUndefined();
      const family = [{ id: "shardId-1", parents: ["shardId-0"], range: WHOLE_RANGE }];
      await changelog.noteLineage(task, family);
      await changelog.noteLineage(task, []);
      expect(await lineage()).toEqual(family);
    });

    test("X11: a checkpoint pointer only rises, and the one before is kept", async () => {
      await changelog.raiseCheckpoint(task, pointer(4));
      await changelog.raiseCheckpoint(task, pointer(9));
      await changelog.raiseCheckpoint(task, pointer(6));
      expect((await changelog.newest(task, { from: 0, limit: 1 })).item).toMatchObject({
        checkpoint: pointer(9),
        previousCheckpoint: pointer(4),
      });
    });

    test("marks and pointers live in one item and leave each other alone", async () => {
      await changelog.raiseDelivered(task, 5);
      await changelog.raiseCheckpoint(task, pointer(4));
      await changelog.raiseDelivered(task, 6);
      expect((await changelog.newest(task, { from: 0, limit: 1 })).item).toMatchObject({
        delivered: 6,
        checkpoint: pointer(4),
      });
    });
  });
}
