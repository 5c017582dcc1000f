import { setTimeout as sleep } from "node:timers/promises";
import type { LocalStack } from "millrace/local";
import { departure, type Departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import { accountsOf, equation } from "../../localstack/start/accounts.ts";
import { Live } from "../end-to-end/live.ts";
import { synthesized, type Build } from "./builds.ts";
import { flightDelays } from "./pipeline.ts";

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 1);
/** How long a minute of the alarms' clock takes while something is awaited: longer than a retry, over a few of them. */
const MILLIS_PER_MINUTE = 400;
const PATIENCE = 150;

/** The deployed pipeline, and what was put into it. */
export class Site {
  readonly live: Live;
  readonly #templates: ReadonlyMap<Build, string>;
  #hour = 0;
  /** What windows must have counted, by their begin. */
  readonly #expected = new Map<number, number>();
  #put = 0;
  /** Letters that were given back: they come in twice. */
  redriven = 0;

  private constructor(live: Live, templates: ReadonlyMap<Build, string>) {
    this.live = live;
    this.#templates = templates;
  }

  static async open(directory: string): Promise<Site> {
    const templates = new Map<Build, string>();
    for (const build of ["first", "lenient", "strict", "broken"] as const)
      templates.set(build, await synthesized(build, directory));
    const site = new Site(await Live.deploy(flightDelays(departure), templates.get("first")!), templates);
    await site.stack.runSchedules(); // until the first sweep one alarm is raised
    return site;
  }

  get stack(): LocalStack {
    return this.live.stack;
  }

  deploy = (build: Build): Promise<void> => this.stack.update([this.#templates.get(build)!]);

  /** Puts departures of the next hour of event time, or of one so many hours `back`. */
  async depart(count: number, { wrong = {}, back }: { wrong?: object; back?: number } = {}): Promise<void> {
    if (back === undefined) this.#hour += 1;
    const at = T0 + (this.#hour - (back ?? 0)) * HOUR;
    const one = (n: number): Departure => ({
      ...{ origin: "HNL", destination: "ITO", departedAt: at + n, delay: n % 7, distance: 216 },
    });
    await this.live.put(...Array.from({ length: count }, (_, n) => ["HNL", { ...one(n), ...wrong }] as const));
    this.#expected.set(at, (this.#expected.get(at) ?? 0) + count);
    this.#put += count;
  }

  /** The last departures that were put are gone from the stream, and nothing has folded them. */
  lose(count: number): void {
    const at = T0 + this.#hour * HOUR;
    this.#expected.set(at, this.#expected.get(at)! - count);
    this.#put -= count;
    this.stack.expireRecords();
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

  /** The state of an alarm of the runbook's table after so many minutes. */
  async passed(alarm: string, minutes: number): Promise<"ALARM" | "OK"> {
    const id = alarm.replace("<stage>-", "departures").replace("<lake>-", "hourlydelays");
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
    const rows = await this.live.rows("hourly_delays");
    const counted = rows.map((row) => [Date.parse(`${String(row["window_start"])}Z`), Number(row["flights"])] as const);
    const [wanted, got] = [[...this.#expected], counted].map((all) =>
      JSON.stringify([...all].sort(([a], [b]) => a - b)),
    );
    if (wanted !== got) throw new Error(`Windows should have counted ${wanted!}, and counted ${got!}.`);
    return equation(accounts);
  }
}
