import { expect, test } from "vitest";
import { FAULT_KINDS, shrink, simulate, type SimulationOptions } from "millrace/testing";
import { parseSchedule, scheduleText } from "../../lib/testing/simulation/shrink.ts";
import { configuration, identifiedConfiguration } from "./configurations.ts";
import { add, configureFrom, emptySum, runOnce } from "./work.ts";

const RUNS = 80;

test("every event has its effect exactly once, whatever goes wrong", async () => {
  const sum = emptySum();
  for (let run = 0; run < RUNS; run++) add(sum, run, await runOnce(configuration, "test", run));
  expect(sum.failed).toEqual([]);
  expect(sum.counts).toMatchObject({ late: expect.toSatisfy((n: number) => n > 0) });
  expect(FAULT_KINDS.filter((kind) => sum.faults[kind] === 0).length, "kinds that never happened").toBeLessThan(4);
});

test("the same seed gives the same simulation, byte for byte; another seed another one", async () => {
  const traceOf = async (seed: string, schedule?: SimulationOptions["schedule"]) => {
    const result = await simulate({ ...configuration(seed), trace: true, ...(schedule && { schedule }) });
    return { ...result, text: result.trace.join("\n") };
  };
  for (let run = 0; run < 4; run++) {
    const first = await traceOf(`trace/${run}`);
    expect(first.trace.length).toBeGreaterThan(50);
    expect((await traceOf(`trace/${run}`)).text).toBe(first.text);
    expect((await traceOf(`trace/${run}`, first.schedule)).text, "the faults that happened, as a list").toBe(
      first.text,
    );
    expect((await traceOf(`other/${run}`)).text).not.toBe(first.text);
  }
});

test("where nothing goes wrong, nothing is delivered twice", async () => {
  for (let run = 0; run < 10; run++) {
    const options = configuration(`calm/${run}`);
    const { failures, deliveries, received } = await simulate({ ...options, faults: "none" });
    expect(failures).toEqual([]);
    const distinct = [...received.values()].reduce((all, outputs) => all + outputs.size, 0);
    const sweeps = deliveries - distinct;
    expect(sweeps).toBeGreaterThan(0); // requests of the sweeper have no ids
    expect(await simulate({ ...options, faults: "none", sweepEvery: { days: 1 } })).toMatchObject({ failures: [] });
  }
});

test("what fails is shrunk to the faults and events that it takes", async () => {
  const options: SimulationOptions = {
    ...identifiedConfiguration("shrunk"),
    faults: { "crash-before": 0.05 },
    checks: [
      ({ faults, put }) =>
        faults["crash-before"] > 0 && put.some(({ event }) => event === 7)
          ? [{ check: "own", message: "a crash, and event 7" }]
          : [],
    ],
  };
  const result = await simulate(options);
  expect(result.failures).toHaveLength(1);
  const { schedule } = await shrink(options, result);
  expect(schedule.events).toContain(7);
  expect(schedule.events.length).toBeLessThan(options.events.length / 2);
  expect(schedule.faults).toHaveLength(1);
  expect(schedule.faults[0]).toMatch(/^crash-before@/);
  expect(parseSchedule(scheduleText(schedule))).toEqual(schedule);
  expect((await simulate({ ...options, schedule })).failures).toEqual(result.failures);
});

test("a pipeline of one's own is simulated by the command's module", async () => {
  const configure = await configureFrom("test/simulation/flights.ts");
  for (let run = 0; run < 5; run++) expect(await runOnce(configure, "flights", run)).toMatchObject({ failures: [] });
});

test("options that cannot be are refused, naming them", async () => {
  const options = configuration("refused");
  await expect(simulate({ ...options, shards: 0 })).rejects.toThrow("shards is 0");
  await expect(simulate({ ...options, faults: { zombie: 2 } })).rejects.toThrow('"zombie"');
  await expect(simulate({ ...options, faults: { zombies: 1 } as never })).rejects.toThrow('no fault "zombies"');
  await expect(simulate({ ...options, pace: {} })).rejects.toThrow("simulate(): pace");
});
