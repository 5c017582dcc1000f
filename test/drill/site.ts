import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { SendMessageBatchCommand, SetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { LocalStack } from "millrace/local";
import type { Departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import { accountsOf, equation } from "../../localstack/start/accounts.ts";
import { Live } from "../end-to-end/live.ts";
import { synthesizedBuilds, type Build } from "./builds.ts";
import { anyDeparture, flightDelays } from "./pipeline.ts";

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 1);
/** How long a minute of the alarms' clock takes while something is awaited: longer than a retry, over a few of them. */
const MILLIS_PER_MINUTE = 400;
const PATIENCE = 150;

/** Firehose's quota of folders here: of days, AWS has 500. */
const ACTIVE_PARTITIONS = 5;

/** How long a flush is waited for: one that cannot write goes on by itself. */
const FLUSH_MILLIS = 500;

/** The deployed pipeline, and what was put into it. */
export class Site {
  readonly live: Live;
  readonly #templates: ReadonlyMap<Build, string>;
  readonly #sqs: SQSClient;
  #hour = 0;
  /** What windows must have counted, by their begin. */
  readonly #expected = new Map<number, number>();
  #put = 0;
  #late = 0;
  /** Letters that were given back: they come in twice. */
  redriven = 0;

  private constructor(live: Live, templates: ReadonlyMap<Build, string>) {
    this.live = live;
    this.#templates = templates;
    const { AWS_REGION: region = "" } = live.stack.environment;
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    this.#sqs = new SQSClient({ region, credentials, endpoint: live.stack.endpoints.sqs });
  }

  static async open(directory: string): Promise<Site> {
    const templates = await synthesizedBuilds(directory);
    const pipeline = flightDelays(anyDeparture);
    const live = await Live.deploy(pipeline, templates.get("first")!, { activePartitions: ACTIVE_PARTITIONS });
    return new Site(live, templates);
  }

  async close(): Promise<void> {
    this.#sqs.destroy();
    await this.live.stop();
  }

  get stack(): LocalStack {
    return this.live.stack;
  }

  deploy = (build: Build): Promise<void> => this.stack.update([this.#templates.get(build)!]);

  /** Puts departures of the next hour of event time, or of one so many hours `back`; of one airport, or of so many. */
  async depart(count: number, { wrong = {}, back, airports = 1 }: DepartOptions = {}): Promise<void> {
    if (back === undefined) this.#hour += 1;
    const at = T0 + (this.#hour - (back ?? 0)) * HOUR;
    await this.#depart(Array.from({ length: count }, (_, n) => ({ ...departureAt(at + n, n, airports), ...wrong })));
    this.#expected.set(at, (this.#expected.get(at) ?? 0) + count);
  }

  /** Puts a departure of each of so many days before all others: they are late. */
  async departLate(days: number): Promise<void> {
    await this.#depart(Array.from({ length: days }, (_, n) => departureAt(T0 - (n + 1) * 24 * HOUR, n)));
    this.#late += days;
  }

  async #depart(all: readonly Departure[]): Promise<void> {
    for (let from = 0; from < all.length; from += MOST_PUT)
      await this.live.put(...all.slice(from, from + MOST_PUT).map((one) => [one.origin, one] as const));
    this.#put += all.length;
  }

  /** The last departures that were put are gone from the stream, and nothing has folded them. */
  lose(count: number): void {
    const at = T0 + this.#hour * HOUR;
    this.#expected.set(at, this.#expected.get(at)! - count);
    this.#put -= count;
    this.stack.expireRecords();
  }

  /** Sends so many sweeps at once. */
  async sweep(count: number): Promise<void> {
    for (let from = 0; from < count; from += 10) {
      const Entries = Array.from({ length: Math.min(10, count - from) }, (_, n) => ({
        ...{ Id: String(n), MessageBody: '{"type":"sweep"}' },
      }));
      await this.#sqs.send(new SendMessageBatchCommand({ QueueUrl: this.#tickQueueUrl, Entries }));
    }
  }

  /** Changes the tick queue by hand. */
  async setTickQueue(Attributes: Record<string, string>): Promise<void> {
    await this.#sqs.send(new SetQueueAttributesCommand({ QueueUrl: this.#tickQueueUrl, Attributes }));
  }

  /** That of the tick queue, with so many receipts. */
  redrivePolicy(maxReceiveCount: number): string {
    const queue = this.stack.resources.find(({ ref }) => ref === this.#tickQueueUrl);
    return JSON.stringify({ ...(queue!.properties["RedrivePolicy"] as object), maxReceiveCount });
  }

  get #tickQueueUrl(): string {
    return this.stack.outputs["StageDeparturesTickQueueUrl"]!;
  }

  /** Lets minutes pass until an alarm is raised. `each` is done in each of them. */
  async untilRaised(alarm: string, minutes: number, each: () => Promise<void>): Promise<void> {
    for (let turn = 0; turn < PATIENCE; turn++) {
      await each();
      await sleep(MILLIS_PER_MINUTE);
      if ((await this.passed(alarm, minutes)) === "ALARM") return;
    }
    throw new Error(`${alarm} was not raised.`);
  }

  /** The state of an alarm of the runbook's table after so many minutes, in which Firehose's buffers are over. */
  async passed(alarm: string, minutes: number): Promise<"ALARM" | "OK"> {
    await Promise.race([this.stack.flushDeliveryStreams(), sleep(FLUSH_MILLIS)]);
    const lake = alarm.endsWith("TooManyDays") ? "latedepartures" : "hourlydelays";
    const id = alarm.replace("<stage>-", "departures").replace("<lake>-", lake);
    const alarms = await this.stack.passMinutes(minutes);
    const found = alarms.find(({ logicalId }) => new RegExp(`^PipelineAlarms${id}[0-9A-F]{8}$`).test(logicalId));
    if (found === undefined || "unjudged" in found) throw new Error(`The stack has no alarm ${alarm} to judge.`);
    return found.state;
  }

  /** Ends the input. @throws where a record was lost or counted twice */
  async settle(): Promise<string> {
    const tasks = await this.live.drain();
    const { pipeline, source } = this.live.deployment;
    const accounts = accountsOf(pipeline, source.stage, tasks);
    const { folded, filtered, late, dead } = accounts;
    if (accounts.in !== this.#put + this.redriven || accounts.in !== folded + filtered + late + dead)
      throw new Error(`${this.#put} put, ${this.redriven} given back: ${equation(accounts)}`);
    const counted = new Map<number, number>();
    for (const row of await this.live.rows("hourly_delays")) {
      const at = Date.parse(`${String(row["window_start"])}Z`);
      counted.set(at, (counted.get(at) ?? 0) + Number(row["flights"]));
    }
    const [wanted, got] = [this.#expected, counted].map((all) => JSON.stringify([...all].sort(([a], [b]) => a - b)));
    if (wanted !== got) throw new Error(`Windows should have counted ${wanted!}, and counted ${got!}.`);
    const lateRows = (await this.live.rows("late_departures")).length;
    if (late !== this.#late || lateRows !== late)
      throw new Error(`${this.#late} late departures were put, ${late} counted, and ${lateRows} are in the lake.`);
    return equation(accounts);
  }
}

export interface DepartOptions {
  readonly wrong?: object;
  readonly back?: number;
  readonly airports?: number;
}

/** Records of one PutRecords request. */
const MOST_PUT = 500;

/** As long as a partition key may be, three bytes a letter, and the same again and again: but not to be compressed. */
const longName = (n: number): string =>
  Array.from({ length: 15 }, (_, part) => createHash("sha256").update(`${n} ${part}`).digest())
    .flatMap((hash) => Array.from({ length: 16 }, (_, i) => hash.readUInt16BE(2 * i)))
    .map((code) => String.fromCharCode(0x4e00 + (code % 20_000)))
    .join("");

const departureAt = (departedAt: number, n: number, airports = 1): Departure => ({
  ...{ origin: airports === 1 ? "HNL" : longName(n % airports), destination: "ITO", departedAt },
  ...{ delay: n % 7, distance: 216 },
});
