import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { infrastructureError, messageOf } from "../errors.ts";
import {
  begun,
  NEW_TASK_ITEM,
  type Changelog,
  type CheckpointPointer,
  type NewestCommits,
  type SinkProgress,
  type TaskItem,
  type Trial,
} from "../state/changelog.ts";
import type { StoredCommit } from "../state/commit.ts";
import type { Partition } from "../state/partition.ts";
import {
  CHECKPOINT,
  CHECKPOINT_EPOCH,
  checkOf,
  commitItem,
  commitOf,
  DELIVERED,
  DELIVERED_CHECK,
  keyOf,
  LINEAGE,
  lineageValue,
  PARTITION_KEY,
  pointerValue,
  PREVIOUS_CHECKPOINT,
  progressCheck,
  progressCount,
  progressEpoch,
  SORT_KEY,
  TASK_ITEM_EPOCH,
  taskItemOf,
  TRIAL_ATTEMPTS,
  TRIAL_POSITION,
  TRIAL_VERSION,
  type Item,
} from "./items.ts";

/** A changelog in a DynamoDB table. */
export class DynamoChangelog implements Changelog {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async newest(
    task: string,
    { from, limit }: { readonly from: number; readonly limit?: number },
  ): Promise<NewestCommits> {
    const { items, last, bytes } = await this.#query(task, from, TASK_ITEM_EPOCH, {
      ScanIndexForward: false,
      // One more than asked for: the task item comes first.
      ...(limit === undefined ? {} : { Limit: limit + 1 }),
    });
    const hasItem = items[0] !== undefined && Number(items[0][SORT_KEY]?.N) === TASK_ITEM_EPOCH;
    const commits = (hasItem ? items.slice(1) : items.slice(0, limit)).map((one) => commitOf(task, one));
    const item: TaskItem = hasItem ? taskItemOf(task, items[0]!) : NEW_TASK_ITEM;
    return { item, commits, complete: last === undefined && items.length - Number(hasItem) === commits.length, bytes };
  }

  async range(task: string, from: number, to: number) {
    const commits: StoredCommit[] = [];
    let bytes = 0;
    for (let start: Item | undefined; ;) {
      const page = await this.#query(task, from, to, start === undefined ? {} : { ExclusiveStartKey: start });
      for (const item of page.items) commits.push(commitOf(task, item));
      bytes += page.bytes;
      start = page.last;
      if (start === undefined) return { commits, bytes };
    }
  }

  async append(task: string, commit: StoredCommit): Promise<boolean> {
    try {
      await this.#call("append a commit", task, () =>
        this.#client.send(
          new PutItemCommand({
            TableName: this.#table,
            Item: commitItem(task, commit),
            ConditionExpression: `attribute_not_exists(${PARTITION_KEY})`,
          }),
        ),
      );
      return true;
    } catch (thrown) {
      if (!isConditionFailed(thrown)) throw thrown;
      // X1: the put may be our own, done before its acknowledgement was lost.
      return (await this.#nonceAt(task, commit.epoch)) === commit.nonce;
    }
  }

  async raiseDelivered(task: string, epoch: number): Promise<void> {
    await this.#update(task, {
      update: "SET #a = :n, #k = :k",
      condition: "attribute_not_exists(#a) OR #a < :n",
      names: { "#a": DELIVERED, "#k": DELIVERED_CHECK },
      values: { ":n": { N: String(epoch) }, ":k": { S: checkOf(task, epoch) } },
    });
  }

  async raiseProgress(task: string, sink: string, { epoch, count }: SinkProgress): Promise<void> {
    await this.#update(task, {
      update: "SET #e = :e, #n = :n, #k = :k",
      condition: "attribute_not_exists(#e) OR #e < :e OR (#e = :e AND #n < :n)",
      names: { "#e": progressEpoch(sink), "#n": progressCount(sink), "#k": progressCheck(sink) },
      values: {
        ":e": { N: String(epoch) },
        ":n": { N: String(count) },
        ":k": { S: checkOf(task, sink, epoch, count) },
      },
    });
  }

  async beginTrial(task: string, seen: Trial, position: string, attempt: string): Promise<boolean> {
    const { version, attempts } = begun(seen, position, attempt);
    const isNoted = await this.#update(task, {
      update: "SET #t = :t, #a = :a, #v = :v",
      condition: seen.version === 0 ? "attribute_not_exists(#v)" : "#v = :seen",
      names: { "#t": TRIAL_POSITION, "#a": TRIAL_ATTEMPTS, "#v": TRIAL_VERSION },
      values: {
        ":t": { S: position },
        ":a": { SS: [...attempts] },
        ":v": { N: String(version) },
        ...(seen.version === 0 ? {} : { ":seen": { N: String(seen.version) } }),
      },
    });
    // The note may be our own, taken before its acknowledgement was lost.
    return isNoted || (await this.#taskItem(task)).trial.attempts.includes(attempt);
  }

  async endTrial(task: string, attempt: string): Promise<void> {
    await this.#update(task, {
      update: "ADD #v :one DELETE #a :a",
      names: { "#a": TRIAL_ATTEMPTS, "#v": TRIAL_VERSION },
      values: { ":a": { SS: [attempt] }, ":one": { N: "1" } },
    });
  }

  async noteLineage(task: string, lineage: readonly Partition[]): Promise<void> {
    await this.#update(task, {
      update: "SET #l = :l",
      condition: "attribute_not_exists(#l)",
      names: { "#l": LINEAGE },
      values: { ":l": lineageValue(task, lineage) },
    });
  }

  async raiseCheckpoint(task: string, pointer: CheckpointPointer): Promise<void> {
    const { items } = await this.#query(task, TASK_ITEM_EPOCH, TASK_ITEM_EPOCH, {});
    const previous = items[0]?.[CHECKPOINT];
    await this.#update(task, {
      update: `SET #c = :c, #e = :n${previous === undefined ? "" : ", #p = :p"}`,
      condition: "attribute_not_exists(#e) OR #e < :n",
      names: {
        "#c": CHECKPOINT,
        "#e": CHECKPOINT_EPOCH,
        ...(previous === undefined ? {} : { "#p": PREVIOUS_CHECKPOINT }),
      },
      values: {
        ":c": pointerValue(pointer),
        ":n": { N: String(pointer.epoch) },
        ...(previous === undefined ? {} : { ":p": previous }),
      },
    });
  }

  /** Changes the task item, where a condition holds. @returns whether it held */
  async #update(
    task: string,
    change: {
      readonly update: string;
      readonly condition?: string;
      readonly names: Record<string, string>;
      readonly values: Item;
    },
  ): Promise<boolean> {
    try {
      await this.#call("update the task item", task, () =>
        this.#client.send(
          new UpdateItemCommand({
            TableName: this.#table,
            Key: keyOf(task, TASK_ITEM_EPOCH),
            UpdateExpression: change.update,
            ...(change.condition === undefined ? {} : { ConditionExpression: change.condition }),
            ExpressionAttributeNames: change.names,
            ExpressionAttributeValues: change.values,
          }),
        ),
      );
      return true;
    } catch (thrown) {
      if (!isConditionFailed(thrown)) throw thrown;
      return false;
    }
  }

  async #taskItem(task: string): Promise<TaskItem> {
    const { items } = await this.#query(task, TASK_ITEM_EPOCH, TASK_ITEM_EPOCH, {});
    return items[0] === undefined ? NEW_TASK_ITEM : taskItemOf(task, items[0]);
  }

  async #nonceAt(task: string, epoch: number): Promise<string | undefined> {
    const { Item } = await this.#call("read a commit", task, () =>
      this.#client.send(
        new GetItemCommand({
          TableName: this.#table,
          Key: keyOf(task, epoch),
          ConsistentRead: true,
          ProjectionExpression: "n",
        }),
      ),
    );
    return Item?.["n"]?.S;
  }

  async #query(
    task: string,
    from: number,
    to: number,
    options: { ScanIndexForward?: boolean; Limit?: number; ExclusiveStartKey?: Item },
  ) {
    const { Items, LastEvaluatedKey, ConsumedCapacity } = await this.#call("read the changelog", task, () =>
      this.#client.send(
        new QueryCommand({
          TableName: this.#table,
          KeyConditionExpression: "#t = :t AND #e BETWEEN :from AND :to",
          ExpressionAttributeNames: { "#t": PARTITION_KEY, "#e": SORT_KEY },
          ExpressionAttributeValues: { ":t": { S: task }, ":from": { N: String(from) }, ":to": { N: String(to) } },
          ConsistentRead: true,
          ReturnConsumedCapacity: "TOTAL",
          ...options,
        }),
      ),
    );
    // A consistent read unit is 4 KB.
    return { items: Items ?? [], last: LastEvaluatedKey, bytes: (ConsumedCapacity?.CapacityUnits ?? 0) * 4_096 };
  }

  async #call<T>(what: string, task: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      if (isConditionFailed(cause)) throw cause;
      throw infrastructureError({
        code: "dynamodb/request",
        message: `Task ${task}: could not ${what} in table ${this.#table}: ${messageOf(cause)}`,
        cause,
      });
    }
  }
}

const isConditionFailed = (thrown: unknown): boolean => thrown instanceof ConditionalCheckFailedException;
