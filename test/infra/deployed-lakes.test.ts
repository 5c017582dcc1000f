import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Stream } from "aws-cdk-lib/aws-kinesis";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { bigint, day, kinesis, lake, nullable, pipeline, text, timestamp } from "millrace";
import type { Columns, LakeOptions } from "millrace";
import { MillracePipeline, type DeployedTemplate, type MillracePipelineProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../support/temporary-directory.ts";

process.env["CDK_VALIDATION"] = "false";

const columns = { page: text, at: timestamp, seen: timestamp };
const row = { page: "", at: 0, seen: 0 };

const clicked = (options: LakeOptions<typeof columns> = {}, name = "clicked", more: Columns = {}) =>
  pipeline("clicks", (flow) => {
    const clicks = kinesis("clicks", {
      schema: z.object({ page: z.string(), at: z.number() }),
      key: { page: (click) => click.page },
      eventTime: (click) => click.at,
      disorder: { minutes: 1 },
    });
    flow
      .from(clicks)
      .map("row", () => row)
      .to(lake(name, { ...columns, ...more }, options) as never);
  });

type Props = (stack: Stack) => Partial<MillracePipelineProps>;

/** The template that a pipeline deploys, after one that is deployed already. */
function deploy(of: ReturnType<typeof clicked>, deployed?: DeployedTemplate, props: Props = () => ({})) {
  const app = new App({ outdir: temporaryDirectory("deployed-lakes") });
  const stack = new Stack(app, "test", { env: { account: "123456789012", region: "eu-west-1" } });
  new MillracePipeline(stack, "Pipeline", {
    pipeline: of,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...(deployed && { deployed }),
    ...props(stack),
  });
  app.synth();
  return JSON.parse(JSON.stringify(Template.fromStack(stack).toJSON())) as DeployedTemplate;
}

const iceberg = { table: "iceberg" } as const;
const byDay = (field: "at" | "seen", from = "2024-01-01") => ({ partitionBy: day(field, { from }) });

describe("a lake of the name of one that is deployed", () => {
  test.each<[string, LakeOptions<typeof columns>, LakeOptions<typeof columns>, RegExp]>([
    ["of Iceberg", {}, iceberg, /lake\("clicked"\) has a table of files where it is deployed, and of iceberg here/],
    ["of files again", iceberg, {}, /has a table of iceberg where it is deployed, and of files here/],
    ["of ORC", {}, { format: "orc" }, /has files of parquet where it is deployed, and of orc here/],
    ["by day", {}, byDay("at"), /folders by the hour in which rows arrive where .* by the day of at here/],
    ["by day no more", byDay("at"), {}, /folders by the day of at where .* by the hour in which rows arrive here/],
    [
      "by another day",
      byDay("at"),
      byDay("seen"),
      /by the day of at where it is deployed, and by the day of seen here/,
    ],
  ])("%s is refused, with what to do", (_, was, is, message) => {
    const before = deploy(clicked(was));
    expect(() => deploy(clicked(is), before)).toThrow(message);
    expect(() => deploy(clicked(is), before)).toThrow(/a lake of a new name beside it: send to both/);
    // Files are there whatever the generation.
    expect(() => deploy(clicked(is), before, () => ({ generation: 1 }))).toThrow(message);
    expect(() => deploy(clicked(is, "clicked_anew"), before)).not.toThrow();
  });

  test.each<[string, LakeOptions<typeof columns>, LakeOptions<typeof columns>]>([
    ["as it was", {}, {}],
    ["of Iceberg, as it was", iceberg, iceberg],
    ["by day from an earlier day", byDay("at"), byDay("at", "2020-01-01")],
  ])("%s is deployed", (_, was, is) => {
    expect(() => deploy(clicked(is), deploy(clicked(was)))).not.toThrow();
  });

  test("may have a new column where it is of files, and not where it is of Iceberg", () => {
    const more = { user: nullable(text) };
    expect(() => deploy(clicked({}, "clicked", more), deploy(clicked()))).not.toThrow();
    expect(() => deploy(clicked(iceberg, "clicked", { n: nullable(bigint) }), deploy(clicked(iceberg)))).toThrow(
      /the columns page string, at timestamp, seen timestamp where it is deployed, and .* n bigint here: CloudFormation/,
    );
  });

  test("of Iceberg may not move to another bucket or database", () => {
    const before = deploy(clicked(iceberg));
    const moved: Props = (stack) => ({ buckets: { lake: Bucket.fromBucketName(stack, "Other", "other") } });
    expect(() => deploy(clicked(iceberg), before, moved)).toThrow(
      /lake\("clicked"\) is a table of Iceberg in clicks .*PipelineLake.* where it is deployed, and in clicks "other" here/,
    );
    expect(() => deploy(clicked(iceberg), before, () => ({ database: "elsewhere" }))).toThrow(/in elsewhere /);
  });

  test("is not compared with what said nothing of lakes", () => {
    const { Metadata } = deploy(clicked());
    const { lakes: _, ...record } = Metadata!["Millrace::State::clicks"] as Record<string, unknown>;
    const older = { Metadata: { "Millrace::State::clicks": record } };
    expect(() => deploy(clicked(iceberg), older)).not.toThrow();
  });
});

describe("what was there already is known by its ARN", () => {
  const arn = (name: string) => `arn:aws:kinesis:eu-west-1:123456789012:stream/${name}`;
  const reading =
    (id: string, name: string): Props =>
    (stack) => ({
      streams: { clicks: { existing: Stream.fromStreamArn(stack, id, arn(name)), retention: { days: 7 } } },
    });

  test("a stream under another id of CDK's is the same stream", () => {
    const before = deploy(clicked(), undefined, reading("Given", "clicks"));
    expect(() => deploy(clicked(), before, reading("Brought", "clicks"))).not.toThrow();
  });

  test("another stream under the same id is another stream", () => {
    const before = deploy(clicked(), undefined, reading("Given", "clicks"));
    expect(() => deploy(clicked(), before, reading("Given", "visits"))).toThrow(
      /the stream of clicks that is deployed, .*stream\/clicks, would be replaced by .*stream\/visits/,
    );
  });

  test("and a bucket for state", () => {
    const keeping =
      (id: string, name: string): Props =>
      (stack) => ({ buckets: { state: Bucket.fromBucketName(stack, id, name) } });
    const before = deploy(clicked(), undefined, keeping("Given", "state"));
    expect(() => deploy(clicked(), before, keeping("Brought", "state"))).not.toThrow();
    expect(() => deploy(clicked(), before, keeping("Given", "other"))).toThrow(/the state bucket that is deployed/);
  });
});
