import { expect, test } from "vitest";
import { fallen, risen, type JobCounts } from "../../bench/counts/compare.ts";
import { verdict } from "../../bench/counts/counts.ts";
import { countJob } from "../../bench/counts/count-job.ts";
import { withDynamoDb } from "../../bench/counts/emulator.ts";
import type { CountedJob } from "../../bench/counts/jobs.ts";
import { nexmarkEvents } from "../../bench/nexmark/generator/events.ts";
import { QUERIES } from "../../bench/nexmark/queries/index.ts";
import { settingsOf } from "../../bench/nexmark/run/nexmark.ts";

const accepted: JobCounts = { job: { puts: 99, bytes: 10_000, spills: 0 } };
const given = (counts: Record<string, number>): JobCounts => ({ job: { ...accepted["job"], ...counts } });

test.each([
  ["a small count by one", { puts: 100 }, ["puts"]],
  ["a large count by more than a hundredth", { bytes: 10_101 }, ["bytes"]],
  ["a count from none", { spills: 1 }, ["spills"]],
  ["a count that nobody accepted", { gets: 3 }, ["gets"]],
])("the gate fails when a count rises: %s", (_, counts, names) => {
  expect(risen(accepted, given(counts)).map(({ count }) => count)).toEqual(names);
  const { lines, isRisen } = verdict(accepted, given(counts));
  expect(isRisen).toBe(true);
  expect(lines.filter((line) => line.startsWith("ROSE"))).toHaveLength(1);
  expect(lines.join("\n")).toContain("--accept");
});

test("the gate fails when a job or a count is gone, as nobody would see it rise", () => {
  expect(risen(accepted, {})).toHaveLength(3);
  expect(risen({ ...accepted, other: { puts: 1 } }, accepted)).toHaveLength(1);
});

test("within a hundredth nothing has risen, and what fell is told and does not fail", () => {
  expect(verdict(accepted, given({ bytes: 10_100 }))).toMatchObject({ isRisen: false });
  const less = given({ puts: 98, bytes: 9_999 });
  expect(fallen(accepted, less).map(({ count }) => count)).toEqual(["puts"]);
  expect(verdict(accepted, less)).toMatchObject({ isRisen: false });
  expect(verdict(accepted, less).lines[0]).toBe("fell  job: puts 99 -> 98 (-1.0 %)");
});

const q5 = QUERIES.find(({ name }) => name === "q5")!;
const job: CountedJob = {
  ...{ name: "q5", pipeline: q5.pipeline, shards: 2, batch: 200 },
  events: async () => nexmarkEvents(settingsOf(q5, { events: 2_000, seed: 1 })),
};

test("a job's counts are the same at every run, and more commits raise what they cost", async () => {
  await withDynamoDb(async (client) => {
    const first = await countJob(job, client(), "counts-1");
    expect(await countJob(job, client(), "counts-2")).toEqual(first);
    expect(first["records between stages"]).toBeGreaterThan(0);
    expect(first["DynamoDB puts"]).toBeGreaterThan(10);
    const smaller = await countJob({ ...job, batch: 100 }, client(), "counts-3");
    const names = risen({ job: first }, { job: smaller }).map(({ count }) => count);
    expect(names).toEqual(expect.arrayContaining(["turns", "DynamoDB puts", "DynamoDB write units"]));
  });
});

test("a promise for each record raises the count of promises", async () => {
  const keyed = (perRecord: () => void): CountedJob => ({
    ...job,
    partitionKey: (event) => {
      perRecord();
      return String((event as { readonly dateTime: number }).dateTime);
    },
  });
  await withDynamoDb(async (client) => {
    const without = await countJob(
      keyed(() => undefined),
      client(),
      "counts-1",
    );
    const withOne = await countJob(
      keyed(() => void Promise.resolve()),
      client(),
      "counts-2",
    );
    expect(risen({ job: without }, { job: withOne }).map(({ count }) => count)).toEqual([
      "promises a thousand records",
    ]);
  });
});
