import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DeleteItemCommand, DynamoDBClient, ScanCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { viewQueryHandler } from "millrace/lambda";
import { viewClient } from "millrace/views";
import { afterAll, beforeAll, expect, test } from "vitest";
import accounts from "../../functions/keep-accounts/pipeline.ts";
import { balances, dailyTotals } from "../../functions/keep-accounts/project.ts";
import type { Command } from "../../functions/keep-accounts/schemas.ts";
import { seededRandom } from "../../localstack/random.ts";
import { Live } from "./live.ts";

const COMMAND = fileURLToPath(new URL("../../tools/rebuild/main.ts", import.meta.url));
const MODULE = fileURLToPath(new URL("../../functions/keep-accounts/rebuild.ts", import.meta.url));
const T0 = Date.UTC(2001, 0, 1);
const DAY = 86_400_000;
const COMMANDS = 2_000;
const ACCOUNTS = 40;

/** Commands of four days, of which some are sent twice, much later. */
function someCommands(): readonly Command[] {
  const random = seededRandom(7);
  const commands: Command[] = [];
  for (let i = 0; i < COMMANDS; i++) {
    const account = `account-${Math.floor(random() * ACCOUNTS)}`;
    const head = { id: `command-${i}`, account, at: T0 + Math.floor((i * 4 * DAY) / COMMANDS) };
    const amount = 1 + Math.floor(random() * 100);
    const kind = random();
    if (kind < 0.15) commands.push({ type: "open", ...head });
    else if (kind < 0.55) commands.push({ type: "deposit", ...head, amount });
    else if (kind < 0.9) commands.push({ type: "withdraw", ...head, amount });
    else if (kind < 0.95) commands.push({ type: "close", ...head });
    else commands.push(commands[Math.floor(random() * commands.length)] ?? { type: "open", ...head });
  }
  return commands;
}

let live: Live;
let dynamodb: DynamoDBClient;
beforeAll(async () => {
  live = await Live.start(accounts, "functions/keep-accounts/handler.ts", {
    props: { stream: { shards: 2 }, mapping: { batchingWindow: { seconds: 0 }, batchSize: 100 } },
    faults: {
      seed: 3,
      killWorker: 0.15,
      repeatBatch: 0.1,
      cutBatch: 0.5,
      throttleTable: 0.05,
      loseTableAnswer: 0.08,
      throttleStream: 0.1,
      loseStreamAnswer: 0.1,
      failSink: 0.1,
      failSinkPartly: 0,
      repeatSink: 0.1,
      delaySink: 0.1,
      delayMillis: 100,
      earlyChild: 0,
    },
  });
  dynamodb = new DynamoDBClient({
    endpoint: live.stack.endpoints.dynamodb,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 10,
  });
}, 120_000);
afterAll(async () => {
  dynamodb?.destroy();
  await live?.stop();
});

const tableOf = (view: string) =>
  live.stack.outputs[view === "balances" ? "SinkBalancesTable" : "SinkDailyTotalsTable"]!;

type Items = readonly Record<string, AttributeValue>[];

async function scan(table: string): Promise<Items> {
  const { Items = [], LastEvaluatedKey } = await dynamodb.send(
    new ScanCommand({ TableName: table, ConsistentRead: true }),
  );
  expect(LastEvaluatedKey).toBeUndefined();
  return Items;
}

/** The rows of a view as its readers have them. */
const rowsOf = (items: Items, view: { readonly decode: (body: string) => object }) =>
  items
    .filter((item) => item["$removed"] === undefined)
    .map((item) => view.decode(JSON.stringify(item)))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** An event as DuckDB gives it in JSON: numbers and times as texts. */
interface Event {
  readonly account: string;
  readonly sequence: string;
  readonly type: string;
  readonly amount: string;
  readonly balance: string;
  readonly command_id: string;
  readonly at: string;
}

const millisOf = (at: string): number => Date.parse(`${at.replace(" ", "T")}Z`);

/** What the views must be, of the events alone. */
function refold(events: readonly Event[]) {
  const newest = new Map<string, Event>();
  const days = new Map<number, { day: number; deposited: number; withdrawn: number; events: number }>();
  for (const event of events) {
    const known = newest.get(event.account);
    if (known === undefined || Number(known.sequence) < Number(event.sequence)) newest.set(event.account, event);
    const day = millisOf(event.at) - (millisOf(event.at) % DAY);
    const of = days.get(day) ?? { day, deposited: 0, withdrawn: 0, events: 0 };
    if (event.type === "deposited") of.deposited += Number(event.amount);
    if (event.type === "withdrawn") of.withdrawn += Number(event.amount);
    of.events += 1;
    days.set(day, of);
  }
  const open = [...newest.values()].filter(({ type }) => type !== "closed");
  const inOrder = <T>(rows: readonly T[]) => rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    balances: inOrder(
      open.map(({ account, balance, sequence, at }) => ({
        account,
        balance: Number(balance),
        sequence: Number(sequence),
        at: millisOf(at),
      })),
    ),
    dailyTotals: inOrder([...days.values()]),
  };
}

let expected: ReturnType<typeof refold>;

test("under faults views equal the fold of the events, and each command was decided once", async () => {
  const commands = someCommands();
  for (let i = 0; i < commands.length; i += 250) {
    const some = commands.slice(i, i + 250);
    await live.put(...some.map((command) => [command.account, command] as const));
  }
  await live.committed(120);
  live.stack.calm();
  await live.drain();
  const events = (await live.rows("account_events")) as unknown as readonly Event[];
  const rejected = await live.rows("rejected_commands");
  const decided = [...events.map(({ command_id }) => command_id), ...rejected.map((row) => row["command_id"])];
  expect(new Set(decided).size).toBe(decided.length);
  expect(new Set(decided)).toEqual(new Set(commands.map(({ id }) => id)));
  expected = refold(events);
  expect(expected.balances.length).toBeGreaterThan(10);
  expect(expected.dailyTotals).toHaveLength(4);
  expect(rowsOf(await scan(tableOf("balances")), balances)).toEqual(expected.balances);
  expect(rowsOf(await scan(tableOf("daily_totals")), dailyTotals)).toEqual(expected.dailyTotals);
  expect(await live.deadLetters()).toEqual(new Map());
  const injected = live.stack.injected();
  for (const fault of ["killWorker", "repeatBatch", "throttleTable", "loseTableAnswer"] as const)
    expect(injected[fault], fault).toBeGreaterThan(0);
}, 300_000);

test("views are read by their client and over HTTP", async () => {
  const [some] = expected.balances;
  const settings = { client: dynamodb, tableName: tableOf("balances") };
  expect(await viewClient(balances, settings).get({ account: some!.account })).toMatchObject({ row: some });
  const handler = viewQueryHandler(balances, settings);
  const requestContext = { http: { method: "GET" } };
  const answer = await handler({ rawPath: `/${some!.account}`, requestContext });
  expect(JSON.parse(answer.body!)).toMatchObject({ row: some, asOf: { version: some!.sequence } });
});

test("views that were lost are rebuilt of the events by one command, which changes nothing where they are", async () => {
  const { outputs, environment } = live.stack;
  const before = { balances: await scan(tableOf("balances")), dailyTotals: await scan(tableOf("daily_totals")) };
  const views = ["balances", "daily_totals"].flatMap((view) => ["--view", `${view}=${tableOf(view)}`]);
  const run = async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", "tsx", COMMAND, "--module", MODULE, "--bucket", outputs["LakeBucket"]!, ...views],
      { env: { ...process.env, ...environment } },
    );
    return stdout;
  };
  expect(await run()).toMatch(/^\d+ rows of account_events; \d+ rows put into balances, daily_totals\n$/);
  expect(await scan(tableOf("balances"))).toEqual(before.balances);
  expect(await scan(tableOf("daily_totals"))).toEqual(before.dailyTotals);

  for (const { account } of before.balances)
    await dynamodb.send(new DeleteItemCommand({ TableName: tableOf("balances"), Key: { account: account! } }));
  for (const { day } of before.dailyTotals)
    await dynamodb.send(new DeleteItemCommand({ TableName: tableOf("daily_totals"), Key: { day: day! } }));
  expect(await scan(tableOf("balances"))).toEqual([]);
  await run();
  expect(rowsOf(await scan(tableOf("balances")), balances)).toEqual(expected.balances);
  expect(rowsOf(await scan(tableOf("daily_totals")), dailyTotals)).toEqual(expected.dailyTotals);
}, 120_000);
