import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Code } from "aws-cdk-lib/aws-lambda";
import {
  bigint,
  count,
  double,
  kinesis,
  lake,
  pipeline,
  sum,
  text,
  timestamp,
  tumbling,
  type Pipeline,
} from "millrace";
import { MillracePipeline, type DeployedTemplate, type MillracePipelineProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { deployedTemplates } from "../../tools/deployed/templates.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

process.env["CDK_VALIDATION"] = "false";

const source = (name: string) =>
  kinesis(name, {
    schema: z.object({ page: z.string(), user: z.string(), at: z.number() }),
    key: { page: (click) => click.page },
    eventTime: (click) => click.at,
    disorder: { minutes: 1 },
  });
const bounds = { windowStart: timestamp, windowEnd: timestamp };

interface Variant {
  readonly source?: string;
  readonly window?: string;
  readonly hours?: number;
  readonly by?: string;
  readonly dropped?: readonly string[];
  readonly was?: readonly string[];
  readonly name?: string;
}

/** Clicks per page and hour, and of these per user and day, behind a shuffle. */
const clicks = ({
  source: name = "clicks",
  window = "hourly",
  hours = 1,
  by = "by-user",
  dropped = [],
  was = [],
  name: pipelineName = "clicks",
}: Variant) =>
  pipeline(
    pipelineName,
    (flow) => {
      const stream = flow.from(source(name));
      stream.byKey
        .window(window, tumbling({ hours }), { was: [...was] })
        .aggregate({ clicks: count() })
        .to(lake("pages", { page: text, ...bounds, clicks: bigint }));
      stream
        .keyBy(by, { user: (click) => click.user })
        .window("daily", tumbling({ days: 1 }))
        .aggregate({ clicks: count() })
        .to(lake("users", { user: text, ...bounds, clicks: bigint }));
    },
    { dropped: [...dropped] },
  );

interface Deployment {
  readonly props?: Partial<MillracePipelineProps>;
  readonly id?: string;
}

/** The template that a pipeline deploys, after one that is deployed already. */
function deploy(
  of: Pipeline,
  deployed?: DeployedTemplate,
  { props = {}, id = "Pipeline" }: Deployment = {},
): DeployedTemplate {
  const app = new App({ outdir: temporaryDirectory("deployed") });
  const stack = new Stack(app, "test");
  new MillracePipeline(stack, id, {
    pipeline: of,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...(deployed && { deployed }),
    ...props,
  });
  app.synth();
  // As CloudFormation gives it back.
  return JSON.parse(JSON.stringify(Template.fromStack(stack).toJSON())) as DeployedTemplate;
}

const before = deploy(clicks({}));

describe("what goes on with its state is deployed", () => {
  test.each<[string, Variant]>([
    ["the same pipeline", {}],
    ["a renamed window that says what it was", { window: "per-hour", was: ["hourly"] }],
    ["a window that is dropped", { window: "other", hours: 2, dropped: ["hourly"] }],
    ["a keyBy of another name, whose stage's state is dropped", { by: "by-person", dropped: ["by-user"] }],
  ])("%s", (_, variant) => {
    expect(() => deploy(clicks(variant), before)).not.toThrow();
  });

  test("a new generation begins anew, whatever it changes", () => {
    const changed = clicks({ source: "visits", window: "minutely", by: "by-person" });
    expect(() => deploy(changed, before, { props: { generation: 1 }, id: "Other" })).not.toThrow();
  });

  test("a stream's new incarnation begins its stage anew", () => {
    expect(() =>
      deploy(clicks({ hours: 3 }), before, { props: { streams: { clicks: { incarnation: 1 } } } }),
    ).not.toThrow();
  });

  test("what knows nothing of state is not compared with", () => {
    expect(() => deploy(clicks({ hours: 3 }), { Metadata: {} })).not.toThrow();
  });
});

describe("X6: where a source's stream begins to be read", () => {
  const starting = (startAt?: Date, more: Partial<MillracePipelineProps> = {}) => ({
    props: { ...(startAt && { streams: { clicks: { startAt } } }), ...more },
  });
  const at = (day: number) => new Date(Date.UTC(2024, 0, day));

  test("is told to Lambda and to the function, of that stream alone", () => {
    const template = JSON.stringify(deploy(clicks({}), undefined, starting(at(2))));
    const seconds = at(2).getTime() / 1_000;
    expect(template.match(/"StartingPosition":"AT_TIMESTAMP"/g)).toHaveLength(1);
    expect(template).toContain(`"StartingPositionTimestamp":${seconds}`);
    expect(template).toContain(`\\"startAt\\":\\"${seconds}\\"`);
  });

  test("may be earlier than deployed, and not later: what lies between would not be read", () => {
    const second = deploy(clicks({}), undefined, starting(at(2)));
    for (const start of [starting(at(2)), starting(at(1)), starting()])
      expect(() => deploy(clicks({}), second, start)).not.toThrow();
    const later =
      /read from 2024-01-02T00:00:00.000Z on where it is deployed, and from 2024-01-03T00:00:00.000Z on here/;
    expect(() => deploy(clicks({}), second, starting(at(3)))).toThrow(later);
    expect(() => deploy(clicks({}), before, starting(at(3)))).toThrow(/read from its beginning where it is deployed/);
    expect(() => deploy(clicks({}), second, starting(at(3), { generation: 1 }))).not.toThrow();
  });

  test("is nothing that a stream between stages has", () => {
    expect(() => deploy(clicks({}), undefined, { props: { streams: { "by-user": { startAt: at(1) } } } })).toThrow(
      expect.objectContaining({ code: "provision/refused" }) as Error,
    );
  });
});

describe("what would lose state is refused at synthesis, by name and with what to write", () => {
  test.each<[string, Variant, RegExp]>([
    ["a renamed window", { window: "per-hour" }, /operator "hourly".*no such operator.*was: \["hourly"\].*dropped/s],
    ["a window of another length", { hours: 2 }, /operator "hourly"/],
    ["a renamed source", { source: "visits" }, /Stage "clicks" is deployed and keeps state of "hourly"/],
    ["a renamed keyBy", { by: "by-person" }, /keyBy or broadcast of that name|Stage "by-user" is deployed/],
  ])("%s", (_, variant, message) => {
    expect(() => deploy(clicks(variant), before)).toThrow(message);
  });

  test("another aggregate under one name", () => {
    const summed = pipeline("clicks", (flow) => {
      const stream = flow.from(source("clicks"));
      stream.byKey
        .window("hourly", tumbling({ hours: 1 }))
        .aggregate({ clicks: sum((click) => click.at) })
        .to(lake("pages", { page: text, ...bounds, clicks: double }));
      stream
        .keyBy("by-user", { user: (click) => click.user })
        .window("daily", tumbling({ days: 1 }))
        .aggregate({ clicks: count() })
        .to(lake("users", { user: text, ...bounds, clicks: bigint }));
    });
    expect(() => deploy(summed, before)).toThrow(/operator "hourly".*clicks/s);
  });

  test("a construct of another id, which would replace table, bucket and streams", () => {
    expect(() => deploy(clicks({}), before, { id: "Renamed" })).toThrow(
      /the changelog that is deployed, Pipeline.*, would be replaced by Renamed/,
    );
  });

  test("a pipeline of another name in the place of the one that is deployed: tasks have its name", () => {
    const renamed = clicks({ name: "visits" });
    expect(() => deploy(renamed, before)).toThrow(/visits: .* is the pipeline "clicks".*name.*generation/s);
    expect(() => deploy(renamed, before, { props: { generation: 1 } })).not.toThrow();
    expect(() => deploy(renamed, before, { id: "Another" })).not.toThrow();
  });

  test("a generation that goes back, and an incarnation that does", () => {
    const later = deploy(clicks({}), undefined, { props: { generation: 2 } });
    expect(() => deploy(clicks({}), later, { props: { generation: 1 } })).toThrow(/Generation 2 is deployed/);
    const recreated = deploy(clicks({}), undefined, { props: { streams: { clicks: { incarnation: 2 } } } });
    expect(() => deploy(clicks({}), recreated)).toThrow(/incarnation 2, and this is 0/);
  });

  test("a record that this version does not read", () => {
    const unknown = { Metadata: { "Millrace::State::clicks": { format: 2 } } };
    expect(() => deploy(clicks({}), unknown)).toThrow(/does not read/);
  });
});

describe("what is deployed is fetched", () => {
  const page = (stacks: Readonly<Record<string, string>>, next?: string) => ({
    stacks: Object.entries(stacks).map(([name, status]) => ({ name, status })),
    next,
  });

  test("of stacks that are there, over all pages; a deleted one of the same name does not count", async () => {
    const pages = [
      page({ "a-dev": "DELETE_COMPLETE", "b-dev": "UPDATE_COMPLETE" }, "1"),
      page({ "c-dev": "UPDATE_ROLLBACK_COMPLETE", other: "CREATE_COMPLETE" }),
    ];
    const templates = await deployedTemplates(["a-dev", "b-dev", "c-dev"], {
      list: async (token) => pages[Number(token ?? 0)]!,
      template: async (name) => JSON.stringify({ name }),
    });
    expect([...templates]).toEqual([
      ["a-dev", undefined],
      ["b-dev", '{"name":"b-dev"}'],
      ["c-dev", '{"name":"c-dev"}'],
    ]);
  });

  test("a template of another tool is refused", async () => {
    const stacks = { list: async () => page({ "a-dev": "CREATE_COMPLETE" }), template: async () => "Resources:\n" };
    await expect(deployedTemplates(["a-dev"], stacks)).rejects.toThrow(/a-dev is no JSON/);
  });
});
