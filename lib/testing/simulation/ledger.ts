import { messageOf } from "../../errors.ts";
import { decodeCommit, isSpilled, isWhole, type Commit, type StoredCommit } from "../../state/commit.ts";
import { letterIdIn, REDRIVEN } from "../../state/redriven.ts";
import { outputId, parseTaskName } from "../../state/task-id.ts";
import { TaskState } from "../../state/task-state.ts";
import { DEAD_LETTERS } from "../../runtime/dead-letter.ts";
import { TICKS } from "../../runtime/tick.ts";
import { isNews, type Pack } from "../../runtime/shuffle/pack.ts";
import type { SimulatedStage } from "./stage.ts";
import type { Shard } from "./stream.ts";

/** An output of a commit that won. */
export interface LedgerOutput {
  readonly id: string;
  readonly sink: string;
  readonly body: string;
  /** Whether its sink has it, or a dead letter says that the sink refused it. */
  delivered: boolean;
}

export interface LedgerCommit {
  readonly stored: StoredCommit;
  readonly commit: Commit;
  /** When it was appended: epoch milliseconds. */
  readonly at: number;
  readonly outputs: readonly LedgerOutput[];
  /** The dead letters that were taken back by it, and by no commit before: by id. */
  readonly redriven: readonly string[];
  undelivered: number;
}

/** All commits of a task that ever won, whatever became of them in the table. */
export interface LedgerTask {
  readonly name: string;
  readonly stage: SimulatedStage;
  readonly shard: Shard;
  readonly commits: LedgerCommit[];
}

/** A check that failed. */
export interface Failure {
  /** Which check. */
  readonly check: string;
  /** What was found, and what should have been. */
  readonly message: string;
}

export interface LedgerSettings {
  readonly now: () => number;
  readonly stageNamed: (name: string) => SimulatedStage;
  readonly objectOf: (key: string) => Uint8Array | undefined;
  readonly fail: (check: string, message: string) => void;
  /** Is told of every commit as it is appended. */
  readonly onCommit: (task: LedgerTask, commit: LedgerCommit, before: LedgerCommit | undefined) => void;
}

const REFUSED = "!refused";

/** What was committed and what was delivered, as an observer sees it who misses nothing. */
export class Ledger {
  readonly #settings: LedgerSettings;
  readonly tasks = new Map<string, LedgerTask>();
  readonly #outputs = new Map<string, LedgerOutput>();
  /** All dead letters that were taken back, by id. */
  readonly redriven = new Set<string>();
  readonly #states = new Map<string, { state: TaskState; applied: number }>();
  /** By sink and output id: what its readers see that hide repeats. */
  readonly received = new Map<string, Map<string, string>>();
  /** Which shards were told news. */
  readonly #told = new Map<LedgerOutput, Set<Shard>>();
  /** Deliveries, repeats included. */
  deliveries = 0;

  constructor(settings: LedgerSettings) {
    this.#settings = settings;
  }

  append(name: string, stored: StoredCommit): void {
    const { fail, now } = this.#settings;
    const commit = this.#decoded(name, stored);
    if (commit === undefined) return;
    const task = this.tasks.get(name) ?? this.#newTask(name);
    this.tasks.set(name, task);
    const outputs = commit.outputs.map((output, n) => ({
      ...output,
      id: outputId(name, stored.epoch, n),
      delivered: false,
    }));
    const redriven = this.#redrivenBy(commit);
    const entry = { stored, commit, at: now(), outputs, redriven, undelivered: outputs.length };
    const before = task.commits.at(-1);
    if (before !== undefined && before.undelivered > 0) {
      const waiting = before.outputs.filter(({ delivered }) => !delivered).map(({ id, sink }) => `${id} for ${sink}`);
      fail("X5", `${name}@${stored.epoch} was appended before ${waiting.join(", ")} had been delivered.`);
    }
    task.commits.push(entry);
    for (const output of outputs) this.#outputs.set(output.id, output);
    this.#settings.onCommit(task, entry, before);
  }

  #newTask(name: string): LedgerTask {
    const id = parseTaskName(name);
    const stage = this.#settings.stageNamed(id.stage);
    return { name, stage, shard: stage.stream.shards.find((shard) => shard.id === id.partition)!, commits: [] };
  }

  /** Notes of what was taken back stay with a task and its heirs: those that are new are of this commit. */
  #redrivenBy({ tables }: Commit): readonly string[] {
    const added: string[] = [];
    for (const [operator, { put }] of tables) {
      if (operator !== REDRIVEN) continue;
      for (const id of put.flatMap(([, keys]) => keys.map(letterIdIn))) {
        if (this.redriven.has(id)) continue;
        this.redriven.add(id);
        added.push(id);
      }
    }
    return added;
  }

  /** A commit as its readers find it; nothing when they cannot. */
  #decoded(name: string, stored: StoredCommit): Commit | undefined {
    const { fail, objectOf } = this.#settings;
    const body = isSpilled(stored.body) ? objectOf(stored.body.key) : stored.body;
    if (body === undefined) {
      fail("X2", `${name}@${stored.epoch} was appended before its spilled body was there.`);
      return undefined;
    }
    try {
      return decodeCommit(stored, body, name);
    } catch (thrown) {
      fail("X2", `${name}@${stored.epoch} was appended and cannot be read: ${messageOf(thrown)}`);
      return undefined;
    }
  }

  /** A sink took an output. */
  deliver(sink: string, id: string, body: string): void {
    const { fail } = this.#settings;
    this.deliveries++;
    if (sink === TICKS && id.startsWith("sweep#")) return; // a request, no commit's output
    let received = this.received.get(sink);
    if (received === undefined) this.received.set(sink, (received = new Map<string, string>()));
    const known = received.get(id);
    if (known === undefined) received.set(id, body);
    else if (known !== body) fail("X4", `${id} was delivered to ${sink} with two contents: ${known} and ${body}`);
    const refused = sink === DEAD_LETTERS && id.endsWith(REFUSED);
    const output = this.#outputs.get(refused ? id.slice(0, -REFUSED.length) : id);
    if (output === undefined) return fail("X2", `${id} was delivered to ${sink} and is in no commit.`);
    if (!refused && output.sink !== sink) fail("X4", `${id} was delivered to ${sink} instead of ${output.sink}.`);
    if (!refused && output.body !== body) {
      fail("X4", `${id} was delivered to ${sink} as ${body}; its commit has ${output.body}`);
    }
    this.#mark(output, this.#commitOf(id));
  }

  /** The stream of a stage took an element. */
  takeElement(stage: string, id: string): void {
    const { fail } = this.#settings;
    this.deliveries++;
    const output = this.#outputs.get(id);
    if (output === undefined) return fail("X2", `${id} was put into the stream of ${stage} and is in no commit.`);
    if (output.sink !== stage) fail("X4", `${id} was put into the stream of ${stage} instead of ${output.sink}.`);
    this.#mark(output, this.#commitOf(id));
  }

  /** A shard of a stage's stream took news. They are delivered once every open shard, or one that it is made of, has them. */
  takeNews(stage: string, { producer, epoch }: Pack, shard: Shard, open: readonly Shard[]): void {
    const { fail } = this.#settings;
    this.deliveries++;
    const commits = this.tasks.get(producer)?.commits;
    const commit = commits?.[epoch - commits[0]!.stored.epoch];
    const output = commit?.outputs.find(({ sink, body }) => sink === stage && isNews(body));
    if (output === undefined)
      return fail("X2", `${stage} is told news of ${producer}@${epoch}, which are in no commit.`);
    if (commit!.outputs.some(({ sink, body, delivered }) => sink === stage && !delivered && !isNews(body))) {
      fail("X5", `${stage} is told that ${producer}@${epoch} is all there, and it is not.`);
    }
    let told = this.#told.get(output);
    if (told === undefined) this.#told.set(output, (told = new Set()));
    told.add(shard);
    const knows = (one: Shard): boolean => told.has(one) || one.parents.some(knows);
    if (open.every(knows)) this.#mark(output, commit!);
  }

  #mark(output: LedgerOutput, commit: LedgerCommit): void {
    if (output.delivered) return;
    output.delivered = true;
    commit.undelivered--;
  }

  /** The table's state as of its last commit, put together of all commits. */
  stateOf(task: LedgerTask): TaskState {
    let known = this.#states.get(task.name);
    if (known === undefined) this.#states.set(task.name, (known = { state: new TaskState(), applied: 0 }));
    for (; known.applied < task.commits.length; known.applied++) {
      const { stored, commit } = task.commits[known.applied]!;
      known.state.apply(commit.header, commit.tables, isWhole(stored));
    }
    return known.state;
  }

  /** An output, by its id. */
  outputOf(id: string): LedgerOutput | undefined {
    return this.#outputs.get(id);
  }

  #commitOf(id: string): LedgerCommit {
    const at = id.indexOf("@");
    const { commits } = this.tasks.get(id.slice(0, at))!;
    return commits[Number.parseInt(id.slice(at + 1), 10) - commits[0]!.stored.epoch]!;
  }
}
