import type { Template } from "aws-cdk-lib/assertions";
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

/** What the functions are told, producers first. */
const bindingsIn = (of: Template) =>
  ofType(of, "AWS::Lambda::Function").map(({ Properties }) => {
    const { Variables } = Properties["Environment"] as { Variables: Record<string, unknown> };
    return readBindings({ [BINDINGS_VARIABLE]: plain(Variables[BINDINGS_VARIABLE]) });
  });

/** Which roles may do something, and on what. */
const allowing = (of: Template, action: string) =>
  Object.entries(resourcesOf(of)).flatMap(([id, { Type, Properties }]) => {
    if (Type !== "AWS::IAM::Role") return [];
    const policies = (Properties["Policies"] ?? []) as {
      PolicyDocument: { Statement: { Action: unknown; Resource: unknown }[] };
    }[];
    const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    const resources = statements
      .filter(({ Action }) => [Action].flat().includes(action))
      .flatMap(({ Resource }) => [Resource].flat().map(plain));
    return resources.length === 0 ? [] : [[plain({ Ref: id }), resources]];
  });

describe("a pipeline with a shuffle", () => {
  test("has a stage more, with a stream of its own, and a lake that two stages write to once", () => {
    expect(ofType(template, "AWS::Lambda::Function")).toHaveLength(3);
    expect(ofType(template, "AWS::Kinesis::Stream").map(({ Properties }) => Properties["ShardCount"])).toEqual([
      2, 2, 3,
    ]);
    expect(ofType(template, "AWS::KinesisFirehose::DeliveryStream")).toHaveLength(2);
  });

  test("its producers know the stream and may write to it, and nobody else may", () => {
    const stream = ["{PipelineStreamsbypage.Arn}"];
    expect(allowing(template, "kinesis:PutRecords")).toEqual([
      ["{PipelineviewsRole}", stream],
      ["{PipelineclicksRole}", stream],
    ]);
    expect(allowing(template, "kinesis:ListShards")).toEqual([
      ["{PipelineviewsRole}", ["{PipelineStreamsviews.Arn}", ...stream]],
      ["{PipelineclicksRole}", ["{PipelineStreamsclicks.Arn}", ...stream]],
      ["{PipelinebypageRole}", stream],
    ]);
  });

  test("each function is bound to the streams it writes to", () => {
    const bindings = bindingsIn(template);
    expect(bindings.map(({ stage, shuffles }) => [stage, shuffles])).toEqual([
      ["views", { "by-page": "{PipelineStreamsbypage}" }],
      ["clicks", { "by-page": "{PipelineStreamsbypage}" }],
      ["by-page", {}],
    ]);
    expect(bindings[2]!.source.address["stream"]).toBe("{PipelineStreamsbypage}");
  });

  test("X12: what reads others may wake these, and sends to nobody else's ticks", () => {
    const failures = ["{PipelineDeadLetters.Arn}", "{PipelineOnFailure.Arn}"];
    const [views, clicks] = ["{PipelineviewsTicks.Arn}", "{PipelineclicksTicks.Arn}"];
    expect(allowing(template, "sqs:SendMessage")).toEqual([
      ["{PipelineviewsRole}", [...failures, views]],
      ["{PipelineclicksRole}", [...failures, clicks]],
      ["{PipelinebypageRole}", [...failures, "{PipelinebypageTicks.Arn}", views, clicks]],
    ]);
    expect(bindingsIn(template).map(({ stage, tickQueues }) => [stage, tickQueues])).toEqual([
      ["views", {}],
      ["clicks", {}],
      ["by-page", { views: "{PipelineviewsTicks}", clicks: "{PipelineclicksTicks}" }],
    ]);
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
    const bindings = bindingsIn(both);
    const stream = "{PipelineStreamsviewsbypage}";
    expect(bindings.map(({ stage, shuffles }) => [stage, shuffles])).toEqual([
      ["views", { "views-by-page": stream }],
      ["clicks", { "views-by-page": stream }],
      ["views-by-page", {}],
    ]);
    expect(allowing(both, "kinesis:PutRecords")).toEqual(
      ["{PipelineviewsRole}", "{PipelineclicksRole}"].map((role) => [role, ["{PipelineStreamsviewsbypage.Arn}"]]),
    );
  });
});

describe("a pipeline that broadcasts", () => {
  const limited = pipeline("limited", (flow) => {
    const blocked = flow
      .from(events("rules"))
      .union("all-rules", flow.from(events("appeals")))
      .broadcast("blocked", { key: ({ page }) => page });
    flow
      .from(events("views"))
      .keyBy("by-page", { page: (event) => event.page })
      .process("check", { broadcast: { blocked }, onRecord: (view) => [view] })
      .to(lake("seen", { page: text, at: timestamp }));
  });

  test("has one internal stream, which the sources of what is broadcast write to and the reader may wake", () => {
    const all = provisioned(limited, { stream: { shards: 2 } });
    const stream = "{PipelineStreamsbypage}";
    const producers = ["rules", "appeals", "views"];
    expect(ofType(all, "AWS::Kinesis::Stream")).toHaveLength(4);
    expect(bindingsIn(all).map(({ stage, shuffles, tickQueues }) => [stage, shuffles, tickQueues])).toEqual([
      ...producers.map((name) => [name, { "by-page": stream }, {}]),
      ["by-page", {}, Object.fromEntries(producers.map((name) => [name, `{Pipeline${name}Ticks}`]))],
    ]);
    expect(allowing(all, "kinesis:PutRecords")).toEqual(
      producers.map((name) => [`{Pipeline${name}Role}`, ["{PipelineStreamsbypage.Arn}"]]),
    );
    const [, sending] = allowing(all, "sqs:SendMessage").find(([role]) => role === "{PipelinebypageRole}")!;
    expect(sending).toEqual(expect.arrayContaining(producers.map((name) => `{Pipeline${name}Ticks.Arn}`)));
  });
});
