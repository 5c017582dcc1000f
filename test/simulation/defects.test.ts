import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { simulate } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Ledger, type Failure } from "../../lib/testing/simulation/ledger.ts";
import { SimulatedChangelog } from "../../lib/testing/simulation/changelog.ts";
import { changelogContract } from "../contracts/changelog.ts";

changelogContract("simulated", async () => new SimulatedChangelog());

const clicks = kinesis("clicks", {
  schema: z.object({ page: z.string(), at: z.number() }),
  key: { page: (click) => click.page },
  eventTime: (click) => click.at,
  disorder: { seconds: 5 },
});
const events = Array.from({ length: 60 }, (_, i) => ({ page: `page ${i % 5}`, at: 1_700_000_000_000 + i * 1_000 }));

describe("the simulator can fail", () => {
  test("functions that do not depend on their arguments alone give other rows", async () => {
    let calls = 0;
    const forgetful = pipeline("forgetful", (flow) => {
      flow
        .from(clicks)
        .filter("every-tenth-call", () => ++calls % 10 !== 0)
        .byKey.window("minutes", tumbling({ minutes: 1 }))
        .aggregate({ clicks: count() })
        .to(lake("per_minute", { page: text, windowStart: timestamp, windowEnd: timestamp, clicks: bigint }));
    });
    const { failures } = await simulate({ pipeline: forgetful, events, seed: 1, faults: "none" });
    expect(failures.map(({ check }) => check)).toContain("lost");
  });

  test("records that the stream forgot are missing, and accounted for", async () => {
    const perMinute = pipeline("per-minute", (flow) => {
      flow
        .from(clicks)
        .byKey.window("minutes", tumbling({ minutes: 1 }))
        .aggregate({ clicks: count() })
        .to(lake("per_minute", { page: text, windowStart: timestamp, windowEnd: timestamp, clicks: bigint }));
    });
    const { failures, counts, put, effects } = await simulate({
      pipeline: perMinute,
      events,
      seed: 3,
      shards: 1,
      pace: { minutes: 2 },
      retention: { minutes: 30 },
      outage: { hours: 4 },
      faults: { "sink-down": 1, split: 0, merge: 0, "reshard-storm": 0 },
    });
    expect(failures).toEqual([]);
    expect(effects.expired).toBeGreaterThan(0);
    expect(counts.in + counts.lost).toBe(put.length);
  });

  const delivering = (deliver: (ledger: Ledger) => void): readonly Failure[] => {
    const failures: Failure[] = [];
    deliver(
      new Ledger({
        now: () => 0,
        stageNamed: () => {
          throw new Error("no stage");
        },
        objectOf: () => undefined,
        fail: (check, message) => failures.push({ check, message }),
        onCommit: () => undefined,
      }),
    );
    return failures;
  };

  test("X2: an output of no commit is a leak", () => {
    const failures = delivering((ledger) => ledger.deliver("rows", "p:0:s:s.0:shard@1#0", "{}"));
    expect(failures).toMatchObject([{ check: "X2" }]);
  });

  test("X4: one id with two contents", () => {
    const failures = delivering((ledger) => {
      ledger.deliver("rows", "p:0:s:s.0:shard@1#0", "{}");
      ledger.deliver("rows", "p:0:s:s.0:shard@1#0", '{"other":1}');
    });
    expect(failures.map(({ check }) => check)).toContain("X4");
  });
});
