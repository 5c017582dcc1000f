import { kinesis, lake, pipeline, text, timestamp } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ofType, plain, provisioned } from "./synthesized.ts";

const eventsOf = (name: string) =>
  kinesis(name, {
    schema: z.object({ page: z.string(), at: z.number() }),
    eventTime: (event) => event.at,
    disorder: { minutes: 1 },
  });

const template = provisioned(
  pipeline("two-stages", (flow) => {
    flow.from(eventsOf("clicks")).to(lake("clicked", { page: text, at: timestamp }));
    flow.from(eventsOf("views")).to(lake("viewed", { page: text, at: timestamp }));
  }),
);
const stages = ["clicks", "views"];
const rules = ofType(template, "AWS::Events::Rule").map(({ Properties }) => Properties);

interface Statement {
  readonly Effect: string;
  readonly Principal: unknown;
  readonly Action: unknown;
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What the policy of a stage's tick queue allows. */
function allowedBy(stage: string): readonly Statement[] {
  return ofType(template, "AWS::SQS::QueuePolicy")
    .filter(({ Properties }) =>
      [Properties["Queues"]].flat().some((queue) => plain(queue) === `{Pipeline${stage}Ticks}`),
    )
    .flatMap(
      ({ Properties }) => (Properties["PolicyDocument"] as { readonly Statement: readonly Statement[] }).Statement,
    )
    .filter(({ Effect }) => Effect === "Allow");
}

describe("X11: the sweeper", () => {
  test("every stage is swept four times a day: a stream lists a closed shard for a day at least", () => {
    expect(rules.map(({ ScheduleExpression, State }) => [ScheduleExpression, State])).toEqual(
      stages.map(() => ["rate(6 hours)", "ENABLED"]),
    );
  });

  test("a sweep is one constant message to the stage's own tick queue; one that is late is worth nothing", () => {
    for (const { Targets } of rules) {
      // Without a dead-letter queue: what EventBridge puts into one is no failed invocation to it.
      expect(Targets).toEqual([
        {
          Id: "Target0",
          Arn: expect.anything(),
          Input: '{"type":"sweep"}',
          RetryPolicy: { MaximumEventAgeInSeconds: 3_600 },
        },
      ]);
    }
    expect(rules.map(({ Targets }) => plain((Targets as [{ Arn: unknown }])[0].Arn))).toEqual(
      stages.map((stage) => `{Pipeline${stage}Ticks.Arn}`),
    );
  });

  test.each(stages)("into the tick queue of %s only its own schedule may send, and only send", (stage) => {
    const [statement, ...others] = allowedBy(stage);
    expect(others).toEqual([]);
    expect(statement).toMatchObject({ Principal: { Service: "events.amazonaws.com" }, Action: "sqs:SendMessage" });
    expect(plain(statement!.Resource)).toBe(`{Pipeline${stage}Ticks.Arn}`);
    expect(plain(statement!.Condition!["ArnEquals"]!["aws:SourceArn"])).toBe(`{Pipeline${stage}Sweeps.Arn}`);
  });
});
