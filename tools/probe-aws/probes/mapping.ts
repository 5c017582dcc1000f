import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { PutRecordsCommand } from "@aws-sdk/client-kinesis";
import type { Finding, Probe, ProbeContext } from "../probe.ts";

/** What a record asks of the function, by its number (function-code.ts). */
type Wish = Readonly<Record<"fail" | "report" | "pause", number>>;

/** One invocation, as the function wrote it down. */
interface Invocation {
  readonly records: readonly { readonly i: number; readonly eventID: string; readonly sequenceNumber: string }[];
  readonly fails: boolean;
  /** Numbers of the records that it reported as failed. */
  readonly reported: readonly number[];
  readonly began: number;
  readonly ended: number;
}

const MILLIS_TO_WAIT = 180_000;
/** After what was waited for has come: so that what should not come may. */
const MILLIS_AFTER = 5_000;

/** Puts so many records, and gives the invocations once `isOver` says so, or after three minutes. */
async function observe(
  { clients, place, run, sleep }: ProbeContext,
  name: string,
  count: number,
  wishes: Readonly<Record<number, Partial<Wish>>>,
  isOver: (invocations: readonly Invocation[]) => boolean,
): Promise<readonly Invocation[]> {
  const probe = `${run}-${name}`;
  const records = Array.from({ length: count }, (_, i) => ({
    PartitionKey: "one",
    Data: Buffer.from(JSON.stringify({ probe, i, ...wishes[i] })),
  }));
  await clients.kinesis.send(new PutRecordsCommand({ StreamName: place.mappedStream, Records: records }));
  const look = async (): Promise<readonly Invocation[]> => {
    const { Items = [] } = await clients.dynamodb.send(
      new QueryCommand({
        TableName: place.table,
        ConsistentRead: true,
        KeyConditionExpression: "task = :task",
        ExpressionAttributeValues: { ":task": { S: probe } },
      }),
    );
    return Items.map((item) => JSON.parse(item["what"]?.S ?? "") as Invocation);
  };
  const until = performance.now() + MILLIS_TO_WAIT;
  while (performance.now() < until && !isOver(await look())) await sleep(500);
  await sleep(MILLIS_AFTER);
  return look();
}

const numbers = ({ records }: Invocation): readonly number[] => records.map(({ i }) => i);

/** What an invocation is done with: of a batch with reported records, those before the first of them. */
const done = (one: Invocation): readonly number[] =>
  one.fails ? [] : numbers(one).filter((i) => one.reported.every((reported) => i < reported));

const isDone =
  (count: number) =>
  (invocations: readonly Invocation[]): boolean =>
    new Set(invocations.flatMap(done)).size === count;

const batchOf = (one: Invocation): string => {
  const all = numbers(one);
  const range = all.length === 1 ? `${all[0]!}` : `${all[0]!}–${all.at(-1)!}`;
  return `${range}${one.fails ? " failed" : one.reported.length > 0 ? ` reported ${one.reported.join(" and ")}` : ""}`;
};

const finding = (holds: boolean, invocations: readonly Invocation[]): Finding => ({
  holds,
  seen: invocations.map(batchOf).join(", ") || "no invocation",
});

/** What X3, X6 and X7 rest on: one mapping, with infinite retries, bisection and partial failures. */
export const mappingProbes: readonly Probe[] = [
  {
    service: "Lambda",
    assumption: "a batch is of one shard, in order; eventID is shard:sequence; batches do not overlap",
    async run(context) {
      const seen = await observe(context, "order", 250, { 0: { pause: 1_000 } }, isDone(250));
      const order = seen.flatMap(numbers);
      const inOrder = order.length === 250 && order.every((i, at) => i === at);
      const isNamed = seen
        .flatMap(({ records }) => records)
        .every(
          ({ eventID, sequenceNumber }) => /^shardId-\d{12}:/.test(eventID) && eventID.endsWith(`:${sequenceNumber}`),
        );
      const overlaps = seen.some(({ began }, at) => at > 0 && began < seen[at - 1]!.ended);
      return finding(inOrder && isNamed && !overlaps, seen);
    },
  },
  {
    service: "Lambda",
    assumption: "a failed batch comes again until it succeeds, before anything after it",
    async run(context) {
      const seen = await observe(context, "again", 1, { 0: { fail: 6 } }, isDone(1));
      return finding(seen.length === 7 && seen.slice(0, 6).every(({ fails }) => fails), seen);
    },
  },
  {
    service: "Lambda",
    assumption: "a failed batch is halved, until a record that fails comes alone",
    async run(context) {
      const seen = await observe(context, "bisect", 8, { 5: { fail: 6 } }, isDone(8));
      const isAlone = seen.some((one) => one.fails && numbers(one).join() === "5");
      return finding(isAlone && isDone(8)(seen), seen);
    },
  },
  {
    service: "Lambda",
    assumption: "what is reported is the checkpoint: all from there comes again, and nothing before it",
    async run(context) {
      const seen = await observe(context, "partial", 8, { 4: { report: 1 } }, isDone(8));
      const at = seen.findIndex(({ reported }) => reported.length > 0);
      const noneBefore = seen.slice(at + 1).every((one) => numbers(one).every((i) => i >= 4));
      return finding(at >= 0 && noneBefore && isDone(8)(seen), seen);
    },
  },
];
