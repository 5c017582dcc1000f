import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FAULT_KINDS, shrink, type SimulationResult } from "millrace/testing";
import { parseSchedule, scheduleText } from "../../lib/testing/simulation/shrink.ts";
import { configureFrom, emptySum, join, runOnce, seedOf, type Configure, type FailedRun, type Sum } from "./work.ts";
import type { Chunk } from "./worker.ts";

const CHUNK = 25;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    minutes: { type: "string" },
    seed: { type: "string", default: "1" },
    pipeline: { type: "string" },
    workers: { type: "string", default: String(availableParallelism()) },
    "stop-at-first-failure": { type: "boolean", default: false },
    "no-shrink": { type: "boolean", default: false },
    run: { type: "string" },
    replay: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const { seed, pipeline } = values;
const configure = await configureFrom(pipeline);
process.exitCode = values.run === undefined ? await runMany() : await runOne(Number(values.run));

/** One run again, or a part of it. */
async function runOne(run: number): Promise<number> {
  const schedule = values.replay === undefined ? undefined : parseSchedule(values.replay);
  const options = { ...configure(seedOf(seed, run)), ...(schedule && { schedule }), trace: values.trace };
  const { simulate } = await import("millrace/testing");
  const result = await simulate(options);
  for (const line of result.trace) console.log(line);
  describe(result);
  return result.failures.length > 0 ? 1 : 0;
}

function describe({ failures, schedule, counts, commits, stopped }: SimulationResult): void {
  for (const { check, message } of failures) console.log(`${check}: ${message}`);
  if (schedule.faults.length > 0) console.log(`Faults: ${schedule.faults.join(", ")}`);
  const { in: all, late, dead, lost } = counts;
  const end =
    failures.length > 0 ? "failed" : stopped === undefined ? "all checks held" : `stopped loudly by ${stopped}`;
  console.log(`in ${all}, late ${late}, dead ${dead}, past retention ${lost}, commits ${commits}: ${end}`);
}

/** Many runs in several processes. */
async function runMany(): Promise<number> {
  const started = performance.now();
  const end = values.minutes === undefined ? Number.POSITIVE_INFINITY : started + Number(values.minutes) * 60_000;
  const runs = values.minutes === undefined ? Number(values.runs) : Number.POSITIVE_INFINITY;
  const sum = emptySum();
  let next = 0;
  let told = started;
  const isOver = () =>
    next >= runs || performance.now() >= end || (values["stop-at-first-failure"] && sum.failed.length > 0);
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      // Runs leave much behind that is short-lived: a larger nursery saves a tenth of the time.
      const execArgv = [...process.execArgv, "--max-semi-space-size=32"];
      const child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), { execArgv });
      const give = () => {
        if (isOver()) return child.disconnect();
        const count = Math.min(CHUNK, runs - next);
        const stopAtFirstFailure = values["stop-at-first-failure"];
        child.send({ from: next, count, seed, pipeline, stopAtFirstFailure } satisfies Chunk);
        next += count;
      };
      child.on("message", (done: Sum) => {
        join(sum, done);
        if (performance.now() - told > 5_000) {
          told = performance.now();
          const of = Number.isFinite(runs) ? ` of ${whole(runs)}` : "";
          console.error(`${whole(sum.runs)}${of} runs, ${whole(sum.failed.length)} failed`);
        }
        give();
      });
      child.on("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`A worker ended with ${code ?? "a signal"}.`)),
      );
      give();
    });
  await Promise.all(Array.from({ length: Math.min(Number(values.workers), Math.ceil(runs / CHUNK)) }, work));
  const seconds = (performance.now() - started) / 1_000;
  const failed = sum.failed.sort((a, b) => a.run - b.run);
  const [first] = failed;
  if (first !== undefined) await explain(first, configure);
  for (const { run, failures } of failed.slice(1, 6)) console.log(`Run ${run} failed too: ${failures[0]!.check}`);
  if (failed.length > 6) console.log(`… and ${failed.length - 6} more.`);
  console.log(
    `Of which: ${listed(sum.counts)}; stopped loudly where expiry came early ${sum.stopped}; ${Math.round(seconds)} s`,
  );
  const never = FAULT_KINDS.filter((kind) => (sum.faults[kind] ?? 0) === 0);
  if (never.length > 0) console.log(`Never happened: ${never.join(", ")}`);
  const by = (isCounted: (check: string) => boolean) =>
    failed.filter(({ failures }) => isCounted(failures[0]!.check)).length;
  const [lost, repeated] = [by((check) => check === "lost"), by((check) => check === "repeated")];
  console.log(
    `${whole(sum.runs)} runs, ${whole(sum.events)} events, faults: ${listed(sum.faults)}; ` +
      `lost ${lost} repeated ${repeated} wrong ${failed.length - lost - repeated}`,
  );
  return failed.length > 0 ? 1 : 0;
}

async function explain({ run, failures }: FailedRun, configure: Configure): Promise<void> {
  console.log(`Run ${run} failed:`);
  for (const { check, message } of failures) console.log(`  ${check}: ${message}`);
  const options = configure(seedOf(seed, run));
  const again = `npm run simulate -- --seed ${seed} --run ${run}${pipeline === undefined ? "" : ` --pipeline ${pipeline}`}`;
  if (values["no-shrink"]) {
    console.log(`Again: ${again}`);
    return;
  }
  const { schedule, result, runs } = await shrink(options, await runOnce(configure, seed, run));
  console.log(`The least that fails (found in ${runs} runs): ${schedule.events.length} events and`);
  for (const fault of schedule.faults) console.log(`  ${fault}`);
  for (const { check, message } of result.failures) console.log(`  ${check}: ${message}`);
  console.log(`Again: ${again} --replay '${scheduleText(schedule)}'`);
}

function whole(n: number): string {
  return n.toLocaleString("en-US");
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, n]) => `${name} ${whole(n)}`)
    .join(", ");
}
