import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Live } from "../../end-to-end/live.ts";
import { minutes, type Reading } from "./pipeline.ts";

/**
 * `npm run drill:backpressure`: a sink that is slow, then down, then back, on a local stack, with its circuit breaker and
 * without. Each row must be there once, and the rows of both must be equal; what the time took that the sink was down is
 * printed, and how many times as much that was without the breaker.
 */
const { values } = parseArgs({
  options: {
    /** Seconds that the sink is slow, and that it is down. */
    slow: { type: "string", default: "5" },
    down: { type: "string", default: "60" },
  },
});
const SECONDS = { slow: Number(values.slow), down: Number(values.down) };
const T0 = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const KEYS = 40;
/** Shards of the stream: each has a task that owes to the sink. */
const SHARDS = 2;

interface Cost {
  readonly invocations: number;
  readonly "read units": number;
  readonly "write units": number;
  readonly "sink requests": number;
  readonly "GB-seconds": number;
}

/** Lambda, DynamoDB on demand; us-east-1, Arm: dollars. */
const PRICES: Partial<Record<keyof Cost, number>> = {
  invocations: 0.2e-6,
  "read units": 0.125e-6,
  "write units": 0.625e-6,
  "GB-seconds": 13.3334e-6,
};

const dollars = (cost: Cost): number =>
  Object.entries(PRICES).reduce((sum, [name, price]) => sum + cost[name as keyof Cost] * price, 0);

function costOf(live: Live): Cost {
  const { lambda, dynamodb, firehose } = live.stack.usage();
  return {
    invocations: lambda.invocations,
    "read units": dynamodb.readUnits,
    "write units": dynamodb.writeUnits,
    "sink requests": Object.values(firehose.requests).reduce((sum, count) => sum + count, 0),
    "GB-seconds": lambda.gigabyteSeconds,
  };
}

const difference = (after: Cost, before: Cost): Cost =>
  Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Cost]]),
  ) as unknown as Cost;

interface Round {
  /** Of the time in which the sink was down. */
  readonly cost: Cost;
  readonly rows: readonly string[];
  readonly records: number;
}

async function round(handler: string, failures: number): Promise<Round> {
  const live = await Live.start(minutes(failures), fileURLToPath(new URL(handler, import.meta.url)), {
    props: { stream: { shards: SHARDS } },
  });
  let minute = 0;
  let records = 0;
  /** A reading of every key in the next minute: it closes the one before. */
  const put = async () => {
    const at = T0 + minute++ * MINUTE;
    const all = Array.from({ length: KEYS }, (_, n): Reading => ({ key: `k${n}`, at }));
    await live.put(...all.map((one) => [one.key, one] as const));
    records += all.length;
  };
  const during = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await put();
      await sleep(1_000);
    }
  };
  try {
    await during(2);
    await live.committed();
    live.stack.setDeliveryStreams("slow");
    await during(SECONDS.slow);
    live.stack.setDeliveryStreams("down");
    const before = costOf(live);
    await during(SECONDS.down);
    const cost = difference(costOf(live), before);
    live.stack.setDeliveryStreams("well");
    await live.committed(120);
    await live.drain();
    await live.stack.flushDeliveryStreams();
    const found = await live.rows("minutes");
    const rows = found.map(
      ({ key, window_start: start, readings }) => `${String(start)} ${String(key)} ${String(readings)}`,
    );
    if (new Set(rows).size !== rows.length) throw new Error(`${handler}: a row is there twice.`);
    const counted = found.reduce((sum, { readings }) => sum + Number(readings), 0);
    if (counted !== records) throw new Error(`${handler}: ${records} readings were put, and ${counted} counted.`);
    if (rows.length !== minute * KEYS)
      throw new Error(`${handler}: ${minute * KEYS} rows should be there, not ${rows.length}.`);
    return { cost, rows, records };
  } finally {
    await live.stop();
  }
}

const shown = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(value < 1 ? 6 : 2));

try {
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  const without = await round("without-breaker.ts", Number.MAX_SAFE_INTEGER);
  const withBreaker = await round("with-breaker.ts", 3);
  console.log(
    `A sink that is slow for ${SECONDS.slow} s, down for ${SECONDS.down} s and back; ${SHARDS} shards. While it is down:\n`,
  );
  console.log(
    ["", "without", "with", "ratio"].map((text, i) => (i === 0 ? text.padEnd(16) : text.padStart(12))).join(""),
  );
  const line = (name: string, a: number, b: number) =>
    console.log(`${name.padEnd(16)}${shown(a).padStart(12)}${shown(b).padStart(12)}${(a / b).toFixed(1).padStart(12)}`);
  for (const name of Object.keys(without.cost) as (keyof Cost)[])
    line(name, without.cost[name], withBreaker.cost[name]);
  line("dollars", dollars(without.cost), dollars(withBreaker.cost));
  const [some, others] = [without, withBreaker].map(({ rows }) => JSON.stringify([...rows].sort()));
  if (some !== others) throw new Error("The rows of the two differ.");
  console.log(`\n${without.rows.length} rows each, which are equal; lost 0, twice 0`);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
