import { expect, test } from "vitest";
import { systemicError } from "../../lib/errors.ts";
import { Damages } from "../../lib/runtime/damages.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { FORMAT_VERSION, type StoredCommit } from "../../lib/state/commit.ts";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig, SMALL_LIMITS, type RigOptions, type RigTask } from "../support/rig.ts";

const CHECKPOINTED = { limits: SMALL_LIMITS };
const PASSED_BY = expect.stringContaining("Something damaged was passed by");

/** A task with many open windows: its first commit is whole, and every later one is a delta of one record. */
class Log {
  readonly rig = new Rig(eventsPipeline());
  #next = 1;

  get name(): string {
    return taskName(this.rig.idOf());
  }

  /** Commits so many records by a task, each its own commit; a cold task each unless it is given. */
  async grow(commits: number, options: RigOptions = {}, task?: RigTask): Promise<void> {
    for (let i = 0; i < commits; i++) {
      const records = Array.from({ length: this.#next === 1 ? 20 : 1 }, () =>
        record(this.#next, { key: `k${this.#next++ % 20}`, time: 5, value: 1 }),
      );
      await (task ?? this.rig.task(options)).turn({ kind: "records", records });
    }
  }

  /** How many records were put. */
  get put(): number {
    return this.#next - 1;
  }

  /** The newest commit's epoch. */
  get head(): number {
    return this.rig.reports.at(-1)!.epoch;
  }

  /** Grows until a checkpoint was written. */
  async checkpoint(): Promise<void> {
    do await this.grow(1, CHECKPOINTED);
    while (!this.rig.reports.at(-1)!.checkpointed);
  }

  forgetUpTo(epoch: number): void {
    for (let gone = 1; gone <= epoch; gone++) this.rig.changelog.forget(this.name, gone);
  }

  /** Keys of checkpoint objects, oldest first. */
  get checkpoints(): string[] {
    const epochOf = (key: string) => Number(/\/(\d+)-[^/]*$/.exec(key)![1]);
    return [...this.rig.objects.objects.keys()]
      .filter((key) => key.startsWith("checkpoints/"))
      .sort((a, b) => epochOf(a) - epochOf(b));
  }

  damageObject(key: string): void {
    const { objects } = this.rig.objects;
    objects.set(
      key,
      objects.get(key)!.map((byte, i) => (i === 5 ? byte ^ 1 : byte)),
    );
  }

  async damageCommit(epoch: number, change: Partial<StoredCommit> = { body: Buffer.from("damaged") }): Promise<void> {
    const { commits } = await this.rig.changelog.range(this.name, epoch, epoch);
    this.rig.changelog.forget(this.name, epoch);
    await this.rig.changelog.append(this.name, { ...commits[0]!, ...change });
  }

  /** Ends the input, and counts what all windows have seen. */
  async folded(task = this.rig.task()): Promise<number> {
    await task.turn({ kind: "drain" });
    return this.rig.rows<SumRow>("sums").reduce((sum, { events }) => sum + events, 0);
  }
}

test("X11: a damaged checkpoint falls back to the one before and the log since; it is seen, and it heals", async () => {
  const log = new Log();
  await log.grow(3);
  await log.checkpoint();
  await log.grow(2);
  await log.checkpoint();
  await log.grow(2);
  const [first, second] = log.checkpoints;
  const before = Number(/\/(\d+)-[^/]*$/.exec(first!)![1]);
  log.forgetUpTo(before); // so that nothing but the checkpoint before leads to the state
  log.damageObject(second!);
  await log.grow(1);
  expect(log.rig.notices).toEqual([PASSED_BY]);
  expect(log.rig.notices[0]).toContain(second);
  expect(log.rig.reports.at(-1)!.checkpointed).toBe(true);
  expect(await log.folded()).toBe(log.put);
  expect(log.rig.notices).toHaveLength(1);
});

test("X11: an idle task heals by a sweep", async () => {
  const log = new Log();
  await log.grow(3);
  await log.checkpoint();
  const { head } = log;
  log.damageObject(log.checkpoints.at(-1)!);
  await log.rig.task().turn({ kind: "sweep" });
  expect(log.rig.reports.at(-1)).toMatchObject({ epoch: head + 1, checkpointed: true });
  log.forgetUpTo(head + 1);
  expect(await log.folded()).toBe(log.put);
  expect(log.rig.notices).toEqual([PASSED_BY]);
});

test("X11: where no checkpoint can be read, the newest whole commit and the log since do", async () => {
  const log = new Log();
  await log.grow(3);
  await log.checkpoint();
  await log.checkpoint();
  for (const key of log.checkpoints) log.damageObject(key);
  expect(await log.folded()).toBe(log.put);
  expect(log.rig.notices).toEqual([PASSED_BY]);
});

test("X11: where the log since is not whole, a damaged checkpoint stops the task, and all that is in the way is named", async () => {
  const log = new Log();
  await log.grow(3);
  await log.checkpoint();
  const covered = log.head;
  await log.grow(1);
  log.forgetUpTo(covered);
  const key = log.checkpoints.at(-1)!;
  log.damageObject(key);
  await expect(log.folded()).rejects.toMatchObject({
    kind: "systemic",
    code: "state/corrupt",
    message: expect.stringMatching(new RegExp(`${key}.*commit \\d+ is missing`)),
  });
  expect(log.rig.rows("sums")).toEqual([]);
});

test("X11: a checkpoint that is damaged when all of its commits have expired stops the task: an older one is another state", async () => {
  const log = new Log();
  await log.grow(3);
  await log.checkpoint();
  await log.checkpoint();
  log.forgetUpTo(log.head);
  const key = log.checkpoints.at(-1)!;
  log.damageObject(key);
  await expect(log.folded()).rejects.toMatchObject({ message: expect.stringContaining(key) });
});

test("X11: commits expire in any order: a head that went first is no reason to go back behind its checkpoint", async () => {
  const log = new Log();
  await log.grow(3);
  await log.checkpoint();
  const { head } = log;
  log.rig.changelog.forget(log.name, head);
  await log.grow(1);
  expect(log.head).toBe(head + 1);
  expect(await log.folded()).toBe(log.put);
});

test("a damaged commit that a checkpoint covers does not matter: not to a cold process, not to one that was behind", async () => {
  const log = new Log();
  const warm = log.rig.task();
  await log.grow(2, {}, warm);
  await log.grow(2);
  await log.checkpoint();
  await log.grow(1);
  await log.damageCommit(4);
  await log.grow(1, {}, warm);
  expect(log.rig.notices).toEqual([PASSED_BY]);
  expect(log.rig.notices[0]).toContain(`Commit 4 of task ${log.name}`);
  expect(await log.folded()).toBe(log.put);
  expect(log.rig.notices).toHaveLength(1);
});

test("a process that followed into a damaged commit keeps nothing half done: when it is mended, it goes on", async () => {
  const log = new Log();
  const warm = log.rig.task();
  await log.grow(2, {}, warm);
  await log.grow(4);
  const [whole] = (await log.rig.changelog.range(log.name, 5, 5)).commits;
  await log.damageCommit(5);
  const stopped = { code: "state/corrupt", message: expect.stringContaining(`Commit 5 of task ${log.name}`) };
  for (const task of [warm, warm, log.rig.task()]) {
    await expect(task.turn({ kind: "drain" })).rejects.toMatchObject(stopped);
  }
  await log.damageCommit(5, whole);
  expect(await log.folded(warm)).toBe(log.put);
});

test("a damaged head stops the task; so does a spilled body that is gone, by its key", async () => {
  const log = new Log();
  await log.grow(3);
  await log.grow(1, { limits: { spill: 0, shortLog: 1e9, checkpoint: 1e9 } });
  const [key] = [...log.rig.objects.objects.keys()];
  log.damageObject(key!);
  await expect(log.folded()).rejects.toMatchObject({ code: "state/corrupt", message: expect.stringContaining(key!) });
  log.rig.objects.objects.delete(key!);
  await expect(log.folded()).rejects.toMatchObject({ code: "state/gone", message: expect.stringContaining(key!) });
  await log.damageCommit(4);
  await expect(log.folded()).rejects.toMatchObject({ code: "state/corrupt" });
});

test.each([4, 1e125, 2.5, 2, 0, -1])(
  "a head that names commit %d as the newest whole one is found out; the task never begins anew",
  async (epoch) => {
    const log = new Log();
    await log.grow(3);
    await log.damageCommit(3, { base: { epoch, at: 0, written: 0, caughtUp: 0 } });
    await expect(log.folded()).rejects.toMatchObject({ kind: "systemic", code: expect.stringMatching(/^state\//) });
    log.forgetUpTo(1);
    await expect(log.folded()).rejects.toMatchObject({ kind: "systemic", code: expect.stringMatching(/^state\//) });
  },
);

test("a head that cannot be read does not disturb the process that put it; its next commit is checkpointed", async () => {
  const log = new Log();
  const warm = log.rig.task();
  await log.grow(3, {}, warm);
  const damage = Object.assign(new Error("unreadable"), { code: "state/corrupt" });
  await log.damageCommit(3, { damage: damage as never });
  await log.grow(1, {}, warm);
  expect(log.rig.notices).toEqual([PASSED_BY]);
  expect(log.rig.reports.at(-1)!.checkpointed).toBe(true);
  expect(await log.folded()).toBe(log.put);
});

test("the same, while a checkpoint of before is made in parts: that one would not heal it", async () => {
  const log = new Log();
  const inParts = log.rig.task({ limits: { ...SMALL_LIMITS, turn: 1, late: 1e9 } });
  await log.grow(4, {}, inParts);
  expect(log.rig.reports.map(({ checkpointed }) => checkpointed)).toEqual([false, false, false, false]);
  const damage = Object.assign(new Error("unreadable"), { code: "state/corrupt" });
  await log.damageCommit(4, { damage: damage as never });
  await log.grow(1, {}, inParts);
  expect(log.rig.reports.at(-1)!.checkpointed).toBe(true);
  expect(await log.folded()).toBe(log.put);
});

test("X5: a damaged head that was not delivered stops the task even where a checkpoint holds its state", async () => {
  const log = new Log();
  await log.grow(1);
  const late = record(100, { key: "k1", time: 60, value: 1 }); // closes all windows: there are outputs
  const isDown: RigOptions = {
    ...CHECKPOINTED,
    wrapSink: (_name, sink) => overriding(sink, { deliver: () => Promise.reject(new Error("down")) }),
  };
  await expect(log.rig.task(isDown).turn({ kind: "records", records: [late] })).rejects.toThrow("down");
  await log.damageCommit(2);
  await expect(log.folded()).rejects.toMatchObject({ code: expect.stringMatching(/^state\//) });
  expect(log.rig.rows("sums")).toEqual([]);
});

test("what of a task another build or Node can read keeps its code and its advice, however much it is", async () => {
  const damages = new Damages("task");
  const fails = (code: string, advice: string) => () =>
    Promise.reject(systemicError({ code, message: "It is unread.", advice }));
  await damages.ofCommit(1, fails("state/codec", "Run another Node."));
  await damages.ofObject("checkpoint", fails("state/codec", "Run another Node."));
  expect(damages.error()).toMatchObject({ code: "state/codec", advice: "Run another Node." });
  await damages.ofCommit(2, fails("state/corrupt", "Restore it."));
  expect(damages.error()).toMatchObject({ code: "state/corrupt", advice: expect.stringContaining("A damaged commit") });
});

test("a body written in a later format is told from a damaged one", async () => {
  const log = new Log();
  await log.grow(2);
  await log.damageCommit(2, { version: FORMAT_VERSION + 1, build: "later" });
  await expect(log.folded()).rejects.toMatchObject({
    code: "state/version",
    message: expect.stringContaining("later"),
  });
});
