import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Table, TableV2, type ITable } from "aws-cdk-lib/aws-dynamodb";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import { dynamoTable, kinesis, lake, pipeline, text, timestamp, MillraceError } from "millrace";
import { MillracePipeline } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BINDINGS_VARIABLE, readBindings } from "../../lib/plan/bindings.ts";
import { ofType, plain, resourcesOf } from "./synthesized.ts";

const orders = kinesis("orders", {
  schema: z.object({ article: z.string(), at: z.number() }),
  eventTime: (order) => order.at,
  disorder: { minutes: 1 },
});
const articles = dynamoTable("articles", { key: "id", schema: z.object({ id: z.string(), name: z.string() }) });

/** Looked up in behind a shuffle, twice; the stage before it needs no table. */
const named = pipeline("named", (flow) => {
  const lookup = { key: (order: { article: string }) => order.article, table: articles };
  flow
    .from(orders)
    .keyBy("by-article", { article: (order) => order.article })
    .enrich("article", { ...lookup, with: (order, found) => ({ ...order, name: found?.name ?? "" }) })
    .enrich("again", { ...lookup, with: ({ name, at }, found) => ({ name: name + (found?.name ?? ""), at }) })
    .to(lake("names", { name: text, at: timestamp }));
});

function template(tables?: (stack: Stack) => Readonly<Record<string, ITable>>): Template {
  process.env["CDK_VALIDATION"] = "false";
  const stack = new Stack(new App(), "test", { env: { account: "111111111111", region: "eu-central-1" } });
  new MillracePipeline(stack, "Pipeline", {
    pipeline: named,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...(tables && { tables: tables(stack) }),
  });
  return Template.fromStack(stack);
}

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

/** What a stage's role is allowed of tables that are not the pipeline's own. */
function lookupsOf(stage: string, of: Template) {
  const [, role] = Object.entries(resourcesOf(of)).find(
    ([id, { Type }]) => Type === "AWS::IAM::Role" && plain({ Ref: id }) === `{Pipeline${stage}Role}`,
  )!;
  const [{ PolicyDocument }] = role.Properties["Policies"] as [{ PolicyDocument: { Statement: Statement[] } }];
  return PolicyDocument.Statement.filter(({ Sid }) => Sid === "LookUp" || Sid === "DecryptTables").map(
    ({ Action, Resource }) => [Action, plain(Resource)],
  );
}

/** The tables that functions are told of, by stage. */
const told = (of: Template) =>
  Object.fromEntries(
    ofType(of, "AWS::Lambda::Function").map(({ Properties }) => {
      const { Variables } = Properties["Environment"] as { readonly Variables: Readonly<Record<string, unknown>> };
      const { stage, lookupTables } = readBindings({ [BINDINGS_VARIABLE]: plain(Variables[BINDINGS_VARIABLE]) });
      return [stage, lookupTables];
    }),
  );

describe("tables that values are looked up in", () => {
  test("are there already: the one of that name is read, by the stage that looks up, and by BatchGetItem alone", () => {
    const made = template();
    expect(told(made)).toEqual({ orders: {}, "by-article": { articles: "articles" } });
    expect(lookupsOf("byarticle", made)).toEqual([
      ["dynamodb:BatchGetItem", "arn:{AWS::Partition}:dynamodb:eu-central-1:111111111111:table/articles"],
    ]);
    expect(lookupsOf("orders", made)).toEqual([]);
    expect(ofType(made, "AWS::DynamoDB::Table")).toHaveLength(1); // the changelog
  });

  test("or the one that is given, and the key that it is encrypted with", () => {
    const given = template((stack) => ({
      articles: Table.fromTableAttributes(stack, "Articles", {
        tableName: "shop-articles",
        encryptionKey: Key.fromKeyArn(stack, "Key", "arn:aws:kms:eu-central-1:111111111111:key/k"),
      }),
    }));
    expect(told(given)["by-article"]).toEqual({ articles: "shop-articles" });
    expect(lookupsOf("byarticle", given)).toEqual([
      ["dynamodb:BatchGetItem", "arn:{AWS::Partition}:dynamodb:eu-central-1:111111111111:table/shop-articles"],
      ["kms:Decrypt", "arn:aws:kms:eu-central-1:111111111111:key/k"],
    ]);
  });

  test.each<[string, (stack: Stack) => Readonly<Record<string, ITable>>, RegExp]>([
    [
      "of another region",
      (stack) => ({
        articles: TableV2.fromTableArn(stack, "A", "arn:aws:dynamodb:us-east-1:111111111111:table/articles"),
      }),
      /"articles" is of 111111111111, us-east-1/,
    ],
    [
      "that nothing looks up in",
      (stack) => ({ artcles: Table.fromTableName(stack, "A", "articles") }),
      /for "artcles".*looks up in articles/,
    ],
  ])("one %s is refused at synthesis", (_what, tables, message) => {
    expect(() => template(tables)).toThrow(MillraceError);
    expect(() => template(tables)).toThrow(message);
  });
});
