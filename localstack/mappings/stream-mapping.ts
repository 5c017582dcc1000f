import { reasonOf } from "../errors.ts";
import type { BatchRunnerContext } from "./batch-runner.ts";
import type { MappingSettings } from "./mapping-settings.ts";
import { ShardPoller } from "./shard-poller.ts";
import type { ShardSource } from "./shard-source.ts";

export interface StreamMappingContext extends Omit<BatchRunnerContext, "signal" | "onDone" | "discard"> {
  readonly shards: ShardSource;
  readonly discard: (shardId: string, discard: Parameters<BatchRunnerContext["discard"]>[0]) => Promise<void>;
}

const listMillis = 1_000;

/** What puts are counted under: the name of a Kinesis stream, the ARN of a table's. */
const streamOf = (arn: string): string => (arn.split(":")[2] === "kinesis" ? (arn.split("stream/")[1] ?? "") : arn);

/**
 * A mapping from a stream: a poller for each shard, a child's when all its parents are done. AWS does not promise that
 * order for Kinesis: a child that the fault `earlyChild` strikes is read at once.
 */
export class StreamMapping {
  readonly settings: MappingSettings;
  readonly stream: string;
  private readonly context: StreamMappingContext;
  private readonly abort = new AbortController();
  private readonly pollers = new Map<string, ShardPoller>();
  private readonly finished = new Set<string>();
  private readonly running = new Set<Promise<void>>();
  /** Whether a child that came with unfinished parents waits for them. */
  private readonly waits = new Map<string, boolean>();
  private dealtWith = 0;
  private changed = false;
  private wakeLister: (() => void) | undefined;

  constructor(context: StreamMappingContext) {
    this.context = context;
    this.settings = context.settings;
    this.stream = streamOf(context.settings.sourceArn);
  }

  /** Records answered with success or given up, over all shards. */
  get recordsDone(): number {
    return this.dealtWith;
  }

  start(): void {
    this.track(this.followShards());
  }

  /** To be called when a shard took records. */
  notify(shardId: string): void {
    const poller = this.pollers.get(shardId);
    if (poller === undefined) this.listAgain();
    else poller.wake();
  }

  /** To be called when the stream was split or merged. */
  reshard(): void {
    this.listAgain();
    for (const poller of this.pollers.values()) poller.wake();
  }

  async stop(): Promise<void> {
    this.abort.abort();
    this.listAgain();
    await Promise.all(this.running);
  }

  private async followShards(): Promise<void> {
    const { signal } = this.abort;
    while (!signal.aborted) {
      // What changes from here on may not be in this list.
      this.changed = false;
      try {
        await this.startReadyShards();
      } catch (error) {
        if (signal.aborted) return;
        const text = `${this.settings.logicalId}: listing the shards of ${this.stream} failed (${reasonOf(error)})`;
        this.context.onNotice({ level: "warning", text });
      }
      if (this.changed) continue;
      const wait = new AbortController();
      this.wakeLister = () => wait.abort();
      await this.context.clock.sleep(listMillis, wait.signal);
      this.wakeLister = undefined;
    }
  }

  private listAgain(): void {
    this.changed = true;
    this.wakeLister?.();
  }

  private async startReadyShards(): Promise<void> {
    const shards = await this.context.shards.list(this.abort.signal);
    const listed = new Set(shards.map((shard) => shard.ShardId));
    for (const shard of shards) {
      if (this.pollers.has(shard.ShardId) || this.finished.has(shard.ShardId)) continue;
      const parents = [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined);
      const areDone = parents.every((id) => !listed.has(id) || this.finished.has(id));
      if (areDone || !this.waitsForParents(shard.ShardId)) this.startShard(shard.ShardId);
    }
  }

  private waitsForParents(shardId: string): boolean {
    const known = this.waits.get(shardId);
    if (known !== undefined) return known;
    const { faults } = this.context;
    const waits = !faults.strikes("earlyChild");
    if (!waits) faults.injectedOne("earlyChild");
    this.waits.set(shardId, waits);
    return waits;
  }

  private startShard(shardId: string): void {
    const { context } = this;
    const poller = new ShardPoller(context.shards.reader(shardId), context.shards.writer(shardId), {
      ...context,
      signal: this.abort.signal,
      discard: (discard) => context.discard(shardId, discard),
      onDone: (count) => {
        this.dealtWith += count;
      },
    });
    this.pollers.set(shardId, poller);
    this.track(
      poller.run().then(() => {
        if (this.abort.signal.aborted) return;
        this.pollers.delete(shardId);
        this.finished.add(shardId);
        this.listAgain();
      }),
    );
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        this.context.onNotice({ level: "warning", text: `${this.settings.logicalId} stopped: ${reasonOf(error)}` });
      })
      .finally(() => this.running.delete(tracked));
    this.running.add(tracked);
  }
}
