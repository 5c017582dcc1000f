import { gzipSync } from "node:zlib";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Stack } from "aws-cdk-lib";
import { Table } from "aws-cdk-lib/aws-dynamodb";
import { Stream } from "aws-cdk-lib/aws-kinesis";
import { CopyPositions } from "millrace/cdk";
import { copyPositions, type CopyPositionsClient } from "millrace/replication";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../localstack/random.ts";
import type { Shard } from "../../localstack/start/shard.ts";
import { compareSequences } from "../../lib/state/position.ts";
import { Live, until } from "../end-to-end/live.ts";
import { aggregated } from "../support/kpl.ts";
import toFrankfurt from "./dublin/pipeline.ts";
import toDublin from "./frankfurt/pipeline.ts";
import { firsts } from "./firsts.ts";
import { Link } from "./link.ts";
import { Region, type Seen } from "./region.ts";

/**
 * Two regions that copy each other's stream, each a local stack of its own, with lines between them that lose requests and
 * answers, while functions die and shards are split.
 */
const KEYS = ["a", "b", "c d", "é", "a key that many have", "\u{1f680}", "x".repeat(256)];
const BATCHES = 8;

const faults = {
  seed: 3,
  killWorker: 0.1,
  repeatBatch: 0.1,
  cutBatch: 0.2,
  throttleTable: 0.02,
  loseTableAnswer: 0.02,
  throttleStream: 0,
  loseStreamAnswer: 0,
  failSink: 0,
  failSinkPartly: 0,
  repeatSink: 0,
  delaySink: 0,
  delayMillis: 0,
  earlyChild: 0.3,
};

const random = seededRandom(11);
let produced = 0;

/** Some records: texts, any bytes, compressed, empty; and now and then several of the KPL in one. */
function batch(): { PartitionKey: string; Data: Buffer }[] {
  return Array.from({ length: 25 }, () => {
    const PartitionKey = KEYS[Math.floor(random() * KEYS.length)]!;
    const value = () => {
      const text = JSON.stringify({ n: produced++, pad: "x".repeat(Math.floor(random() ** 6 * 3_000)) });
      const luck = random();
      if (luck < 0.1) return gzipSync(text);
      if (luck < 0.2) return Buffer.from([...Array.from({ length: 20 }, () => Math.floor(random() * 256)), produced++]);
      return luck < 0.22 ? Buffer.alloc(0) : Buffer.from(text);
    };
    if (random() > 0.1) return { PartitionKey, Data: value() };
    // Of one key: the KPL puts a record where its key belongs, and elsewhere there would be no order to keep.
    return { PartitionKey, Data: aggregated([1, 2, 3].map(() => ({ partitionKey: PartitionKey, data: value() }))) };
  });
}

const links: Link[] = [];
let frankfurt: Live;
let dublin: Live;
const regions: Region[] = [];
let positions: CopyPositionsClient;
let dynamodb: DynamoDBClient;

/** The stream of the other region, by its ARN, and the lines that lead there. */
const elsewhere = (stack: Stack, region: string, name: string, [kinesis, table]: readonly [Link, Link?]) => ({
  stream: Stream.fromStreamArn(stack, "Copy", `arn:aws:kinesis:${region}:000000000000:stream/${name}`),
  endpoints: { kinesis: kinesis.url, ...(table && { dynamodb: table.url }) },
});

beforeAll(async () => {
  links.push(...(await Promise.all([1, 2, 3].map((seed) => Link.open(seed)))));
  const [there, thereTable, back] = links as [Link, Link, Link];
  const props = { mapping: { batchingWindow: { seconds: 0 }, batchSize: 20 }, function: { timeout: { seconds: 20 } } };
  const orders = (stack: Stack, shards: number) => ({
    orders: { existing: new Stream(stack, "Orders", { streamName: "orders", shardCount: shards }) },
  });
  [frankfurt, dublin] = await Promise.all([
    Live.start(toDublin, "test/replication/frankfurt/handler.ts", {
      props,
      faults,
      beside: (stack) => ({
        stream: {},
        streams: orders(stack, 2),
        streamCopies: {
          orders_in_dublin: {
            ...elsewhere(stack, "eu-west-1", "orders", [there, thereTable]),
            positions: Table.fromTableArn(
              stack,
              "Positions",
              "arn:aws:dynamodb:eu-west-1:000000000000:table/positions",
            ),
          },
        },
      }),
    }),
    Live.start(toFrankfurt, "test/replication/dublin/handler.ts", {
      props,
      faults: { ...faults, seed: 4 },
      beside: (stack) => {
        new CopyPositions(stack, "Positions", { tableName: "positions" });
        return {
          stream: {},
          streams: orders(stack, 3),
          streamCopies: { orders_in_frankfurt: elsewhere(stack, "eu-central-1", "orders", [back]) },
        };
      },
    }),
  ]);
  there.target = dublin.stack.endpoints.kinesis;
  thereTable.target = dublin.stack.endpoints.dynamodb;
  back.target = frankfurt.stack.endpoints.kinesis;
  for (const link of links) link.trouble = { lost: 0.08, unanswered: 0.08 };
  regions.push(new Region("frankfurt", frankfurt.stack, "orders"), new Region("dublin", dublin.stack, "orders"));
  dynamodb = new DynamoDBClient({
    endpoint: dublin.stack.endpoints.dynamodb,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const names = { pipeline: "to-dublin", source: "orders", sink: "orders_in_dublin" };
  positions = copyPositions({ client: dynamodb, tableName: "positions", ...names });
}, 120_000);
afterAll(async () => {
  for (const region of regions) region.kinesis.destroy();
  dynamodb?.destroy();
  await Promise.all([frankfurt?.stop(), dublin?.stop()]);
  await Promise.all(links.map((link) => link.close()));
});

const isQuiet = async () => {
  const lags = await Promise.all([frankfurt.stack.lag(), dublin.stack.lag()]);
  return lags.every(({ recordsBehind, inFlight }) => recordsBehind + inFlight === 0);
};

/** Deaths come when they come: how many batches a mapping makes of the records depends on the machine. */
const allHaveStruck = () =>
  links.every(({ troubled }) => troubled > 0) &&
  [frankfurt, dublin].every(({ stack }) => stack.injected().killWorker > 0);

const middle = ({ from, to }: Shard) => from + (to - from + 1n) / 2n;
const nameOf = ({ origin }: Seen) => origin.id;
const contentOf = ({ key, value }: Seen) =>
  `${Buffer.from(key!).toString("hex")} ${Buffer.from(value!).toString("hex")}`;

/** What was produced in a region, of all that is there. */
const own = (seen: readonly Seen[], region: string) => seen.filter(({ origin }) => origin.id.startsWith(`${region}/`));

test("records are produced on both sides while lines fail, functions die and shards are split and merged", async () => {
  const [here, there] = regions as [Region, Region];
  const { source } = frankfurt.deployment;
  for (let n = 0; n < BATCHES; n++) {
    await Promise.all([here.put(batch()), there.put(batch())]);
    const shards = await source.shards();
    if (n === 2) await source.split(shards[0]!, middle(shards[0]!));
    if (n === 4) await source.merge(shards[3]!, shards[1]!);
    if (n === 4) await dublin.deployment.source.split((await dublin.deployment.source.shards())[1]!, 2n ** 127n);
    if (n === 2) await until("the stream has other shards", async () => (await source.shards()).length > 2);
  }
  await until("both have read all that there is", isQuiet, 120);
  for (let n = 0; !allHaveStruck(); n++) {
    expect(n, "batches in which no function died or no line failed").toBeLessThan(50);
    await Promise.all([here.put(batch()), there.put(batch())]);
    await until("both have read all that there is", isQuiet, 60);
  }
  for (const link of links) link.trouble = { lost: 0, unanswered: 0 };
  frankfurt.stack.calm();
  dublin.stack.calm();
}, 180_000);

describe("X5, X8: of two regions that copy each other", () => {
  let seen: readonly (readonly Seen[])[];
  beforeAll(async () => {
    await until("both have read all that there is", isQuiet, 60);
    seen = await Promise.all(regions.map((region) => region.read()));
  }, 90_000);

  test("each has every record of both, under one name, and nothing else", () => {
    const [here, there] = seen.map((all) => firsts(all).map((one) => `${nameOf(one)} ${contentOf(one)}`));
    expect(here!.length).toBeGreaterThan(2 * BATCHES * 25);
    expect(there!.toSorted()).toEqual(here!.toSorted());
  });

  test("nothing goes on around: the number of records has settled", async () => {
    await until("both have read all that there is", isQuiet);
    const again = await Promise.all(regions.map((region) => region.read()));
    expect(again.map(({ length }) => length)).toEqual(seen.map(({ length }) => length));
    for (const { origin } of seen.flat()) expect(origin.clusters.length).toBeLessThanOrEqual(2);
  });

  test("a name is of one record, however often it is there", () => {
    for (const all of seen) {
      const contents = new Map(all.map((one) => [nameOf(one), contentOf(one)]));
      for (const one of all) expect(contentOf(one)).toBe(contents.get(nameOf(one)));
    }
  });

  test("records of a key are in their order, repeats aside", () => {
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const) {
      for (const key of KEYS) {
        const of = (index: number) =>
          firsts(own(seen[index]!, regions[from]!.name))
            .filter((one) => Buffer.from(one.key!).toString() === key)
            .map(nameOf);
        expect(of(to)).toEqual(of(from));
      }
    }
  });
});

describe("the table of positions", () => {
  test("X5: whoever begins where a place translates to misses nothing, wherever the place is", async () => {
    const [here, there] = await Promise.all(regions.map((region) => region.read()));
    const sources = own(here!, "frankfurt");
    const copies = own(there!, "frankfurt");
    const shards = [...new Set(sources.map(({ shard }) => shard))];
    let exact = 0;
    for (const shard of shards) {
      const records = sources.filter((one) => one.shard === shard);
      let before: Readonly<Record<string, string>> = {};
      for (const { place } of records) {
        const { timestamp, after } = await positions.translate({ [shard]: place.sequence });
        const rest = records.filter((one) => compareSequences(one.place.sequence, place.sequence) > 0).map(nameOf);
        const found = copies.filter((copy) => {
          const from = after[copy.shard];
          return from === undefined
            ? copy.arrival >= (timestamp ?? 0)
            : compareSequences(copy.place.sequence, from) > 0;
        });
        const names = new Set(found.map(nameOf));
        expect(rest.filter((name) => !names.has(name))).toEqual([]);
        for (const [partition, position] of Object.entries(before))
          expect(compareSequences(after[partition] ?? "", position)).toBeGreaterThanOrEqual(0);
        before = after;
        if (Object.keys(after).length > 0) exact++;
      }
      // Who has read all reads nothing again of what was there when the last of it was copied.
      const { after } = await positions.translate({ [shard]: records.at(-1)!.place.sequence });
      expect(Object.keys(after).length).toBeGreaterThan(0);
    }
    expect(exact).toBeGreaterThan(sources.length / 2);
  });

  test("of a place that nobody has been told of, the beginning", async () => {
    expect(await positions.translate({ "shardId-000000000000": "" })).toEqual({ timestamp: undefined, after: {} });
    expect(await positions.translate({ "shardId-000000000099": "1" })).toEqual({ timestamp: undefined, after: {} });
  });
});
