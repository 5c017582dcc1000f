import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Table } from "aws-cdk-lib/aws-dynamodb";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import { kinesis, pipeline, text, timestamp, view } from "millrace";
import {
  MillracePipeline,
  ViewQuery,
  type DeployedTemplate,
  type MillracePipelineProps,
  type ViewQueryProps,
} from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BINDINGS_VARIABLE, readBindings } from "../../lib/plan/bindings.ts";
import { ofType, plain, resourcesOf } from "./synthesized.ts";

const logins = kinesis("logins", {
  schema: z.object({ user: z.string(), at: z.number() }),
  key: { user: (login) => login.user },
  eventTime: (login) => login.at,
  disorder: { minutes: 1 },
});
const latest = view("latest", { key: { user: text }, columns: { at: timestamp } });
const all = view("all", { key: { user: text, at: timestamp }, columns: {} });

const watched = pipeline("watched", (flow) => {
  const users = flow.from(logins);
  users.to(latest);
  users.to(all);
});

function template(props: (stack: Stack) => Partial<MillracePipelineProps> = () => ({})): Template {
  process.env["CDK_VALIDATION"] = "false";
  const stack = new Stack(new App(), "test");
  new MillracePipeline(stack, "Pipeline", {
    pipeline: watched,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...props(stack),
  });
  return Template.fromStack(stack);
}

const tables = (of: Template) =>
  Object.fromEntries(
    Object.entries(resourcesOf(of)).flatMap(([id, resource]) =>
      resource.Type === "AWS::DynamoDB::Table" ? [[plain({ Ref: id }), resource] as const] : [],
    ),
  );

function statements(of: Template) {
  const roles = ofType(of, "AWS::IAM::Role");
  interface Statement {
    readonly Sid: string;
    readonly Action: unknown;
    readonly Resource: unknown;
  }
  return roles.flatMap(({ Properties }) =>
    ((Properties["Policies"] ?? []) as { PolicyDocument: { Statement: Statement[] } }[]).flatMap(
      ({ PolicyDocument }) => PolicyDocument.Statement,
    ),
  );
}

const toldOf = (of: Template) => {
  const [target] = ofType(of, "AWS::Lambda::Function");
  const { Variables } = target!.Properties["Environment"] as { readonly Variables: Readonly<Record<string, unknown>> };
  return readBindings({ [BINDINGS_VARIABLE]: plain(Variables[BINDINGS_VARIABLE]) }).sinks;
};

describe("a view's table", () => {
  const made = template();

  test("is made with the view's key, and kept as the changelog is", () => {
    const { "{PipelineSinkslatest}": one, "{PipelineSinksall}": two, "{PipelineChangelog}": log } = tables(made);
    expect(one!.Properties["KeySchema"]).toEqual([{ AttributeName: "user", KeyType: "HASH" }]);
    expect(two!.Properties["KeySchema"]).toEqual([
      { AttributeName: "user", KeyType: "HASH" },
      { AttributeName: "at", KeyType: "RANGE" },
    ]);
    expect(two!.Properties["AttributeDefinitions"]).toEqual([
      { AttributeName: "user", AttributeType: "S" },
      { AttributeName: "at", AttributeType: "N" },
    ]);
    for (const property of [
      "BillingMode",
      "SSESpecification",
      "PointInTimeRecoverySpecification",
      "DeletionProtectionEnabled",
    ]) {
      expect(log!.Properties[property]).toBeDefined();
      expect(one!.Properties[property]).toEqual(log!.Properties[property]);
    }
    expect(one!.DeletionPolicy).toBe("Retain");
    expect(one!.Properties["TimeToLiveSpecification"]).toEqual({ AttributeName: "$expires", Enabled: true });
    const { "{PipelineSinkslatest}": removed } = tables(template(() => ({ removal: "destroy" })));
    expect(removed).toMatchObject({ DeletionPolicy: "Delete", Properties: { DeletionProtectionEnabled: false } });
  });

  test("is put into, and nothing else, by the stage that writes it", () => {
    expect(toldOf(made)).toEqual({
      latest: { table: "{PipelineSinkslatest}" },
      all: { table: "{PipelineSinksall}" },
    });
    const writing = statements(made).filter(({ Sid }) => Sid === "WriteViews");
    expect(writing).toHaveLength(1);
    expect(writing[0]).toMatchObject({ Action: "dynamodb:PutItem" });
    expect((writing[0]!.Resource as unknown[]).map(plain)).toEqual([
      "{PipelineSinkslatest.Arn}",
      "{PipelineSinksall.Arn}",
    ]);
    expect(Object.keys(made.toJSON()["Outputs"] as object)).toEqual(
      expect.arrayContaining(["SinkLatestTable", "SinkAllTable"]),
    );
  });

  test("or is one that is there, with the key that it is encrypted by", () => {
    const given = template((stack) => ({
      views: {
        all: Table.fromTableAttributes(stack, "All", {
          tableName: "logins",
          encryptionKey: Key.fromKeyArn(stack, "Key", "arn:aws:kms:eu-central-1:111111111111:key/k"),
        }),
      },
    }));
    expect(Object.keys(tables(given))).toEqual(["{PipelineChangelog}", "{PipelineSinkslatest}"]);
    expect(toldOf(given)).toMatchObject({ all: { table: "logins" } });
    expect(statements(given).find(({ Sid }) => Sid === "UseKeys")).toMatchObject({
      Resource: "arn:aws:kms:eu-central-1:111111111111:key/k",
    });
  });

  test("is refused for a view that there is not", () => {
    expect(() => template((stack) => ({ views: { al: Table.fromTableName(stack, "T", "t") } }))).toThrow(
      /views is for "al".*It writes to latest, all/,
    );
  });
});

describe("a view's query function", () => {
  const query = (props: Partial<ViewQueryProps> = {}, settings: Partial<MillracePipelineProps> = {}) => {
    process.env["CDK_VALIDATION"] = "false";
    const stack = new Stack(new App(), "test");
    const code = Code.fromInline("// none");
    const made = new MillracePipeline(stack, "Pipeline", {
      pipeline: watched,
      handler: "unused.ts",
      code,
      ...settings,
    });
    expect(() => made.viewTable("other")).toThrow(/viewTable is for "other"/);
    new ViewQuery(stack, "Query", { table: made.viewTable("latest"), handler: "unused.ts", code, ...props });
    return Template.fromStack(stack);
  };

  test("may read the view's table and nothing else, and is asked by whom IAM lets", () => {
    const made = query();
    const [url] = ofType(made, "AWS::Lambda::Url");
    expect(url!.Properties).toMatchObject({ AuthType: "AWS_IAM" });
    expect(ofType(made, "AWS::Lambda::Permission")).toEqual([]);
    const role = Object.entries(resourcesOf(made)).find(([id]) => plain({ Ref: id }) === "{QueryRole}")![1];
    const [{ PolicyDocument }] = role.Properties["Policies"] as [
      { PolicyDocument: { Statement: { Sid: string; Action: unknown; Resource: unknown }[] } },
    ];
    expect(PolicyDocument.Statement.map(({ Sid, Action, Resource }) => [Sid, Action, plain(Resource)])).toEqual([
      ["ReadView", ["dynamodb:GetItem", "dynamodb:Query"], "{PipelineSinkslatest.Arn}"],
      ["WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], "{QueryLogs.Arn}"],
    ]);
    expect(role.Properties["ManagedPolicyArns"]).toBeUndefined();
  });

  test("by everyone, where that is said; and what encrypts the table is read with its key", () => {
    const [url] = ofType(query({ auth: "everyone" }), "AWS::Lambda::Url");
    expect(url!.Properties).toMatchObject({ AuthType: "NONE" });
    const stack = new Stack(new App(), "keys");
    const encryptionKey = Key.fromKeyArn(stack, "Key", "arn:aws:kms:eu-central-1:111111111111:key/k");
    const table = Table.fromTableAttributes(stack, "T", { tableName: "logins", encryptionKey });
    new ViewQuery(stack, "Query", { table, handler: "unused.ts", code: Code.fromInline("// none") });
    const [{ Properties } = { Properties: {} }] = ofType(Template.fromStack(stack), "AWS::IAM::Role");
    expect(JSON.stringify(Properties)).toContain('"Action":"kms:Decrypt","Effect":"Allow","Resource":"arn:aws:kms');
  });
});

describe("a view that is deployed", () => {
  const deploy = (
    columns: Parameters<typeof view>[1],
    { id = "Pipeline", ...props }: Partial<MillracePipelineProps> & { id?: string } = {},
  ) => {
    process.env["CDK_VALIDATION"] = "false";
    const stack = new Stack(new App(), "test");
    const sent = pipeline("sent", (flow) => {
      flow.from(logins).to(view("seen", columns) as never);
    });
    new MillracePipeline(stack, id, {
      pipeline: sent,
      handler: "unused.ts",
      code: Code.fromInline("// none"),
      ...props,
    });
    return Template.fromStack(stack).toJSON() as DeployedTemplate;
  };
  const plainView = { key: { user: text }, columns: { at: timestamp } };
  const deployed = deploy(plainView);

  test("goes on with columns more or less, and with the same key and version", () => {
    expect(() => deploy({ key: { user: text }, columns: {} }, { deployed })).not.toThrow();
  });

  test.each<[string, Parameters<typeof view>[1], RegExp]>([
    [
      "key",
      { key: { user: text, at: timestamp }, columns: {} },
      /key user string where .* user string, at timestamp here/,
    ],
    ["version", { ...plainView, version: "at" as never }, /no version where it is deployed, and the version at here/],
  ])("does not go on with another %s, unless it begins anew", (_what, columns, message) => {
    expect(() => deploy(columns, { deployed })).toThrow(message);
    expect(() => deploy(columns, { deployed, generation: 1 })).not.toThrow();
  });

  test("does not go on in another table: it would be empty", () => {
    const given = (stack: Stack) => ({ seen: Table.fromTableName(stack, "Seen", "seen") });
    const elsewhere = (props: object) => {
      const stack = new Stack(new App(), "test");
      const sent = pipeline("sent", (flow) => {
        flow.from(logins).to(view("seen", plainView) as never);
      });
      const code = Code.fromInline("// none");
      const views = given(stack);
      new MillracePipeline(stack, "Pipeline", { pipeline: sent, handler: "unused.ts", code, views, ...props });
      return Template.fromStack(stack);
    };
    expect(() => elsewhere({ deployed })).toThrow(/the view seen that is deployed, .* would be replaced/);
    expect(() => elsewhere({ deployed, generation: 1 })).not.toThrow();
  });
});
