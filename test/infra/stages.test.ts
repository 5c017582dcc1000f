import { kinesis, lake, pipeline, text, timestamp } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ofType, plain, provisioned, resourcesOf } from "./synthesized.ts";

const eventsOf = (name: string) =>
  kinesis(name, {
    schema: z.object({ page: z.string(), at: z.number() }),
    eventTime: (event) => event.at,
    disorder: { minutes: 1 },
  });

const twoStages = pipeline("two-stages", (flow) => {
  flow.from(eventsOf("clicks")).to(lake("clicked", { page: text, at: timestamp }));
  flow.from(eventsOf("views")).to(lake("viewed", { page: text, at: timestamp }));
});

const template = provisioned(twoStages, {
  streams: { views: { shards: 3, incarnation: 1 } },
  stream: { shards: 2 },
  outputPrefix: "Web",
});

test("the dashboard shows how large each operator's state is, and nothing of stages without any", () => {
  const counting = pipeline("counting", (flow) => {
    flow.from(eventsOf("clicks")).to(lake("clicked", { page: text, at: timestamp }));
    flow
      .from(eventsOf("views"))
      .keyBy("by-page", { page: (view) => view.page })
      .deduplicate("once", { id: (view) => view.at, within: { hours: 1 } })
      .to(lake("viewed", { page: text, at: timestamp }));
  });
  const [board] = ofType(provisioned(counting), "AWS::CloudWatch::Dashboard");
  const body = plain(board!.Properties["DashboardBody"]);
  expect(body.match(/"StateEntries"[^\]]*/g)).toEqual([
    expect.stringContaining('"operator","once","pipeline","counting","stage","by-page"'),
  ]);
});

describe("a pipeline of two sources", () => {
  test("has a stream, a function, a role and a tick queue per stage, and stores and queues once", () => {
    const counts = [
      "Kinesis::Stream",
      "Lambda::Function",
      "DynamoDB::Table",
      "S3::Bucket",
      "Glue::Database",
      "CloudWatch::Dashboard",
    ];
    expect(counts.map((type) => ofType(template, `AWS::${type}`).length)).toEqual([2, 2, 1, 2, 1, 1]);
    // Two of ticks, and those of dead letters, of lost ticks and of what Lambda dropped.
    expect(ofType(template, "AWS::SQS::Queue")).toHaveLength(5);
  });

  test("a stage may deliver to its own lakes only, and read its own stream only", () => {
    const roles = Object.entries(resourcesOf(template)).filter(
      ([id, { Type }]) => Type === "AWS::IAM::Role" && /(clicks|views)Role/.test(id),
    );
    const resources = Object.fromEntries(
      roles.map(([id, { Properties }]) => {
        const [policy] = Properties["Policies"] as [
          { PolicyDocument: { Statement: { Sid: string; Resource: unknown }[] } },
        ];
        const of = (sid: string) => plain(policy.PolicyDocument.Statement.find(({ Sid }) => Sid === sid)!.Resource);
        return [plain({ Ref: id }), [of("ReadStream"), of("DeliverRows")]];
      }),
    );
    expect(resources).toEqual({
      "{PipelineclicksRole}": ["{PipelineStreamsclicks.Arn}", "{PipelineLakesclickedDelivery.Arn}"],
      "{PipelineviewsRole}": ["{PipelineStreamsviews1.Arn}", "{PipelineLakesviewedDelivery.Arn}"],
    });
  });

  test("a source's own settings come before those of all", () => {
    expect(ofType(template, "AWS::Kinesis::Stream").map(({ Properties }) => Properties["ShardCount"])).toEqual([2, 3]);
  });

  test("outputs carry the prefix", () => {
    const names = Object.keys(template.toJSON()["Outputs"] as object);
    expect(names).toEqual(
      expect.arrayContaining(["WebPipeline", "WebSourceClicksStream", "WebSourceViewsStream", "WebLakeViewedPrefix"]),
    );
    for (const name of names) expect(name).toMatch(/^Web/);
  });
});
