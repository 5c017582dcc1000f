import type { CheckpointPointer, SinkProgress } from "../../lib/state/changelog.ts";
import { isSpilled, type Commit, type StoredCommit } from "../../lib/state/commit.ts";
import { comparePositions, compareSequences } from "../../lib/state/position.ts";
import { parseTaskName, taskName } from "../../lib/state/task-id.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import { END_OF_TIME } from "../../lib/time/instant.ts";
import { must } from "./configuration.ts";
import { contentOf, headOf, rowsOf, undelivered } from "./decoded.ts";
import type { Work } from "./live-process.ts";
import { logOf, type Outcome, type Request, type World } from "./world.ts";

/** A tick that is overdue by more may be replaced: an hour, in milliseconds. */
const LOST_TICK = 3_600_000;

export interface WindowRow {
  readonly key: string;
  readonly window_start: number;
  readonly ids: string;
}

/** What must hold whenever a request is carried out. @param works what its process was doing @throws a violation */
export function checkRequest(
  before: World,
  request: Request,
  outcome: Outcome,
  works: readonly Work[],
  now: number,
): void {
  const { service, operation, subject, args } = request;
  const [task] = args as [string];
  switch (`${service} ${operation}`) {
    case "changelog append":
      return checkAppend(before, task, args[1] as StoredCommit, outcome, works, now);
    case "changelog raiseDelivered":
      return checkMark(before, task, args[1] as number);
    case "changelog raiseProgress":
      return checkProgress(before, task, args[1] as string, args[2] as SinkProgress);
    case "changelog raiseCheckpoint": {
      const { key } = args[1] as CheckpointPointer;
      return must(before.objects.has(key), `X11: the pointer was raised before its object ${key} was there`);
    }
    case "objects delete":
      return checkDeletion(before, args[0] as readonly string[]);
    case "sink deliver":
      return checkDelivery(before, subject, args[0] as readonly Delivery[]);
  }
}

function checkAppend(
  before: World,
  task: string,
  commit: StoredCommit,
  { world, answer }: Outcome,
  works: readonly Work[],
  now: number,
): void {
  const { epoch, nonce } = commit;
  const there = logOf(world, task).commits.find((other) => other.epoch === epoch);
  if (answer === true) must(there?.nonce === nonce, `X1: two writers won epoch ${epoch} of ${task}`);
  const { ever } = logOf(before, task);
  if (logOf(world, task).ever.length === ever.length) return;
  must(!ever.some((other) => other.epoch === epoch), `X1: epoch ${epoch} of ${task} was won twice`);
  const content = contentOf(world, task, commit);
  const previous = ever.at(-1);
  if (previous === undefined) checkFirst(before, task, epoch);
  else checkNext(before, task, [previous, contentOf(before, task, previous)], [commit, content], works, now);
  for (const other of ever) checkDelivered(before, task, other, `epoch ${epoch} was appended`);
  checkFoldedOnce(before, content);
}

/** A task begins at 1, or above its parents, which have ended. */
function checkFirst(before: World, task: string, epoch: number): void {
  const parents = parentsOf(before, task).map((parent) => [parent, headOf(before, parent)] as const);
  for (const [parent, head] of parents) {
    must(head !== undefined, `Resharding: ${task} began before ${parent} was sealed`);
    must(
      contentOf(before, parent, head).header.sealed !== undefined,
      `Resharding: ${task} began before ${parent} was sealed`,
    );
    checkDelivered(before, parent, head, `${task} began`);
  }
  const highest = Math.max(0, ...parents.map(([, head]) => head!.epoch));
  must(epoch === highest + 1, `${task} begins at epoch ${epoch}, its parents end at ${highest}`);
}

function checkNext(
  before: World,
  task: string,
  [previous, last]: readonly [StoredCommit, Commit],
  [commit, next]: readonly [StoredCommit, Commit],
  works: readonly Work[],
  now: number,
): void {
  const { epoch } = commit;
  must(epoch === previous.epoch + 1, `X1: epoch ${epoch} of ${task} follows ${previous.epoch}`);
  must(last.header.sealed === undefined, `Resharding: epoch ${epoch} of ${task} follows its seal`);
  const isForward =
    comparePositions(next.header.position, last.header.position) >= 0 &&
    next.header.watermark >= last.header.watermark &&
    next.header.recordWatermark >= last.header.recordWatermark &&
    next.header.arrival >= last.header.arrival;
  must(isForward, `X3: position or time went back at epoch ${epoch} of ${task}`);
  checkSilence(before, task, last, next);
  const [old, tick] = [last.header.tick, next.header.tick];
  if (tick === undefined || tick.id === old?.id) return;
  for (const other of logOf(before, task).ever)
    must(contentOf(before, task, other).header.tick?.id !== tick.id, `X12: tick ${tick.id} of ${task} was armed twice`);
  const isOwn = (work: Work) => work.kind === "message" && messageOf(work)?.id === old?.id;
  const mayArm = old === undefined || works.some(isOwn) || now >= old.at + LOST_TICK;
  must(mayArm, `X12: ${task} has two ticks on their way since epoch ${epoch}`);
}

/** X12: time moves without records only where none is left to read. */
function checkSilence(before: World, task: string, last: Commit, { header }: Commit): void {
  if (!before.isStill || header.watermark <= Math.max(header.recordWatermark, last.header.watermark)) return;
  const shard = shardOf(before, task);
  const unread = shard.sequences.filter((one) => compareSequences(one, header.position.sequence) > 0);
  must(unread.length === 0, `X12: time moved without records in ${task}, and ${unread.join()} were not read yet`);
}

const messageOf = ({ body }: Work & { readonly kind: "message" }) => {
  const message = parseControlMessage(body);
  return message?.type === "tick" ? message : undefined;
};

/** X3, and windows emit once. */
function checkFoldedOnce(before: World, content: Commit): void {
  const seen = new Set<string>();
  const once = (what: string, where: string) => {
    must(!seen.has(`${where} ${what}`), `X3: ${what} is twice in the commits' outputs to ${where}`);
    seen.add(`${where} ${what}`);
  };
  for (const commit of [...allCommits(before).map(({ content: other }) => other), content]) {
    for (const { id } of rowsOf<{ id: string }>(commit, "each")) once(id, "each");
    for (const { id } of rowsOf<{ id: string }>(commit, "late")) once(id, "windows and late");
    for (const { key, window_start, ids } of rowsOf<WindowRow>(commit, "windows")) {
      once(`window ${key} ${window_start}`, "windows");
      for (const id of ids.split(",")) once(id, "windows and late");
    }
  }
}

/** Every commit of every task there ever was. */
export function allCommits(world: World) {
  return [...world.tasks].flatMap(([task, { ever }]) =>
    ever.map((stored) => ({ task, stored, content: contentOf(world, task, stored) })),
  );
}

function checkDelivered(world: World, task: string, commit: StoredCommit, upon: string): void {
  const missing = undelivered(world, task, commit);
  must(missing.length === 0, `X5: ${missing.join()} had not been delivered when ${upon}`);
}

/** A mark says what is true. */
function checkMark(before: World, task: string, epoch: number): void {
  for (const commit of logOf(before, task).ever)
    if (commit.epoch <= epoch) checkDelivered(before, task, commit, `epoch ${epoch} was marked`);
}

function checkProgress(before: World, task: string, sink: string, { epoch, count }: SinkProgress): void {
  for (const commit of logOf(before, task).ever) {
    const missing = commit.epoch > epoch ? [] : undelivered(before, task, commit, sink);
    const all = contentOf(before, task, commit).outputs.filter((output) => output.sink === sink).length;
    const mayMiss = commit.epoch === epoch ? Math.max(0, all - count) : 0;
    must(missing.length <= mayMiss, `X5: ${missing.join()} had not been delivered when ${sink} was marked`);
  }
}

function checkDeletion(before: World, keys: readonly string[]): void {
  for (const { item, commits } of before.tasks.values()) {
    const bodies = commits.flatMap(({ body }) => (isSpilled(body) ? [body.key] : []));
    const needed = [item.checkpoint?.key, item.previousCheckpoint?.key, ...bodies];
    const lost = keys.filter((key) => needed.includes(key));
    must(lost.length === 0, `X11: ${lost.join()} were deleted, and are needed`);
  }
}

const OUTPUT_ID = /^(.*)@(\d+)#(\d+)$/;

/** X4: what a sink receives is in a commit, and the same whenever it comes. */
function checkDelivery(before: World, sink: string, items: readonly Delivery[]): void {
  for (const { id, body } of items) {
    const [, task, epoch, n] = OUTPUT_ID.exec(id) ?? [];
    if (task === undefined) continue; // a sweep's messages are no outputs
    const commit = logOf(before, task).ever.find((other) => other.epoch === Number(epoch));
    must(commit !== undefined, `X4: ${sink} received ${id}, which is in no commit`);
    const output = contentOf(before, task, commit).outputs[Number(n)];
    must(output?.sink === sink && output.body === body, `X4: ${sink} received another content of ${id}`);
    must((before.sinks.get(sink)?.get(id) ?? body) === body, `X4: ${sink} received ${id} with two contents`);
  }
}

/** X5: what must be true when an invocation says that it has succeeded. @throws a violation */
export function checkSuccess(world: World, work: Work, prefix: string): void {
  if (work.kind === "batch") {
    const task = `${prefix}${work.partition}`;
    const { position } = work.records.at(-1)!;
    const { ever } = logOf(world, task);
    const reached = ever.findIndex(
      (one) => comparePositions(contentOf(world, task, one).header.position, position) >= 0,
    );
    must(reached >= 0, `X5: a batch of ${task} was acknowledged, and record ${position.sequence} is in no commit`);
    for (const commit of ever.slice(0, reached + 1)) checkDelivered(world, task, commit, "its batch was acknowledged");
    return;
  }
  const message = parseControlMessage(work.body);
  if (message?.type !== "drain") return;
  const head = headOf(world, message.task);
  must(head !== undefined, `X12: a drain of ${message.task} was acknowledged, and it has no commit`);
  const { watermark, sealed } = contentOf(world, message.task, head).header;
  must(
    sealed !== undefined || watermark === END_OF_TIME,
    `X12: a drain of ${message.task} was acknowledged for nothing`,
  );
}

function parentsOf(world: World, task: string): readonly string[] {
  const id = parseTaskName(task);
  return shardOf(world, task).parents.map((partition) => taskName({ ...id, partition }));
}

const shardOf = (world: World, task: string) => world.shards.find(({ id }) => id === parseTaskName(task).partition)!;
