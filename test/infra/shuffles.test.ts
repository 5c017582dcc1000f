import { count, kinesis, lake, pipeline, text, timestamp, tumbling, bigint } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readBindings, BINDINGS_VARIABLE } from "../../lib/plan/bindings.ts";
import { ofType, plain, provisioned, resourcesOf } from "./synthesized.ts";

const events = (name: string) =>
  kinesis(name, {
    schema: z.object({ page: z.string(), at: z.number() }),
    eventTime: (event) => event.at,
    disorder: { minutes: 1 },
  });

const perPage = pipeline("per-page", (flow) => {
  const views = flow.from(events("views")).union("all", flow.from(events("clicks")));
  views.to(lake("raw", { page: text, at: timestamp }));
  views
    .keyBy("by-page", { page: (event) => event.page })
    .window("minutes", tumbling({ minutes: 1 }))
    .aggregate({ events: count() })
    .to(lake("counts", { page: text, windowStart: timestamp, windowEnd: timestamp, events: bigint }));
});

const template = provisioned(perPage, { stream: { shards: 2 }, streams: { "by-page": { shards: 3 } } });

describe("a pipeline with a shuffle", () => {
  test("has a stage more, with a stream of its own, and a lake that two stages write to once", () => {
    expect(ofType(template, "AWS::Lambda::Function")).toHaveLength(3);
    expect(ofType(template, "AWS::Kinesis::Stream").map(({ Properties }) => Properties["ShardCount"])).toEqual([
      2, 2, 3,
    ]);
    expect(ofType(template, "AWS::KinesisFirehose::DeliveryStream")).toHaveLength(2);
  });

  test("its producers know the stream and may write to it, and nobody else may", () => {
    const writers = Object.entries(resourcesOf(template)).flatMap(([id, { Type, Properties }]) => {
      if (Type !== "AWS::IAM::Role") return [];
      const policies = (Properties["Policies"] ?? []) as {
        PolicyDocument: { Statement: { Sid?: string; Action: unknown; Resource: unknown }[] };
      }[];
      return policies
        .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .filter(({ Action }) => [Action].flat().includes("kinesis:PutRecords"))
        .map(({ Action, Resource }) => [plain({ Ref: id }), Action, plain(Resource)]);
    });
    const actions = ["kinesis:ListShards", "kinesis:PutRecords"];
    expect(writers).toEqual([
      ["{PipelineviewsRole}", actions, "{PipelineStreamsbypage.Arn}"],
      ["{PipelineclicksRole}", actions, "{PipelineStreamsbypage.Arn}"],
    ]);
  });

  test("each function is bound to the streams it writes to", () => {
    const bindings = ofType(template, "AWS::Lambda::Function").map(({ Properties }) => {
      const { Variables } = Properties["Environment"] as { Variables: Record<string, unknown> };
      return readBindings({ [BINDINGS_VARIABLE]: plain(Variables[BINDINGS_VARIABLE]) });
    });
    expect(bindings.map(({ stage, shuffles }) => [stage, shuffles])).toEqual([
      ["views", { "by-page": "{PipelineStreamsbypage}" }],
      ["clicks", { "by-page": "{PipelineStreamsbypage}" }],
      ["by-page", {}],
    ]);
    expect(bindings[2]!.source.stream).toBe("{PipelineStreamsbypage}");
  });

  test("more shards than key groups are refused", () => {
    expect(() => provisioned(perPage, { streams: { "by-page": { shards: 65 } } })).toThrow(
      /stream "by-page".shards is 65.*64 groups/,
    );
  });
});

describe("a pipeline whose streams meet in one operator", () => {
  const meeting = pipeline("meeting", (flow) => {
    const page = { page: (event: { readonly page: string }) => event.page };
    flow
      .from(events("views"))
      .keyBy("views-by-page", page)
      .connect(flow.from(events("clicks")).keyBy("clicks-by-page", page))
      .process("visited", {
        onRecord: (view) => [view],
        onOther: (click) => [click],
      })
      .to(lake("visits", { page: text, at: timestamp }));
  });

  test("has one internal stream, which both of its producers may write to", () => {
    const both = provisioned(meeting, { stream: { shards: 2 } });
    expect(ofType(both, "AWS::Kinesis::Stream")).toHaveLength(3);
    const bindings = ofType(both, "AWS::Lambda::Function").map(({ Properties }) => {
      const { Variables } = Properties["Environment"] as { Variables: Record<string, unknown> };
      return readBindings({ [BINDINGS_VARIABLE]: plain(Variables[BINDINGS_VARIABLE]) });
    });
    const stream = "{PipelineStreamsviewsbypage}";
    expect(bindings.map(({ stage, shuffles }) => [stage, shuffles])).toEqual([
      ["views", { "views-by-page": stream }],
      ["clicks", { "views-by-page": stream }],
      ["views-by-page", {}],
    ]);
    const writing = ofType(both, "AWS::IAM::Role").filter(({ Properties }) =>
      JSON.stringify(Properties["Policies"] ?? []).includes("kinesis:PutRecords"),
    );
    expect(writing).toHaveLength(2);
  });
});
