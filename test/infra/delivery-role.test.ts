import { readFileSync } from "node:fs";
import { App, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { addDelivery, deliveryOf, type Delivery } from "../../infra/delivery-role.ts";

process.env["CDK_VALIDATION"] = "false";

const PROD: Delivery = { environment: "prod", repository: "acme/flights", qualifier: "hnb659fds", hasProvider: false };

const { context } = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8")) as {
  readonly context: Readonly<Record<string, unknown>>;
};

function stacksOf(delivery: Delivery): ReadonlyMap<string, Stack> {
  const app = new App({ context });
  const stacks = addDelivery(app, delivery);
  app.synth(); // cdk-nag has nothing to say
  return new Map(stacks.map((stack) => [stack.stackName, stack]));
}

interface Role {
  readonly AssumeRolePolicyDocument: { readonly Statement: readonly unknown[] };
  readonly MaxSessionDuration: number;
  readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[];
  readonly ManagedPolicyArns?: unknown;
}
interface Statement {
  readonly Effect: string;
  readonly Action: string;
  readonly Resource: unknown;
}

function roleOf(stack: Stack): Role {
  const roles = Object.values(Template.fromStack(stack).findResources("AWS::IAM::Role"));
  expect(roles).toHaveLength(1);
  return (roles[0] as { Properties: Role }).Properties;
}

/** ARNs as text: `{AWS::AccountId}`. */
const text = (value: unknown): string => {
  if (typeof value === "string") return value;
  const { Ref, "Fn::Join": join } = value as { Ref?: string; "Fn::Join"?: [string, readonly unknown[]] };
  return join === undefined ? `{${Ref!}}` : join[1].map(text).join(join[0]);
};
const listOf = (value: unknown) => (Array.isArray(value) ? (value as unknown[]) : [value]).map(text);

const allowed = ({ Policies }: Role) =>
  Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).flatMap(({ Effect, Action, Resource }) =>
    listOf(Action).flatMap((action) => listOf(Resource).map((resource) => `${Effect} ${action} ${resource}`)),
  );

const bootstrapped = (what: string, qualifier = "hnb659fds") =>
  `Allow sts:AssumeRole arn:{AWS::Partition}:iam::{AWS::AccountId}:role/cdk-${qualifier}-${what}-role-{AWS::AccountId}-{AWS::Region}`;
const reads = (environment: string) =>
  `Allow cloudformation:GetTemplate arn:{AWS::Partition}:cloudformation:{AWS::Region}:{AWS::AccountId}:stack/*-${environment}/*`;
const LISTS = "Allow cloudformation:ListStacks *";

describe("the role that deploys", () => {
  const role = roleOf(stacksOf(PROD).get("millrace-deploy-prod")!);

  test("is taken by jobs of one environment of one repository, and by nobody else", () => {
    const [statement, ...more] = role.AssumeRolePolicyDocument.Statement as {
      Effect: string;
      Action: string;
      Principal: { Federated: unknown };
      Condition: unknown;
    }[];
    expect(more).toEqual([]);
    expect(statement).toMatchObject({
      Effect: "Allow",
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: {
          "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
          "token.actions.githubusercontent.com:sub": "repo:acme/flights:environment:prod",
        },
      },
    });
    expect(Object.keys(statement!.Condition as object)).toEqual(["StringEquals"]);
    expect(text(statement!.Principal.Federated)).toBe(
      "arn:{AWS::Partition}:iam::{AWS::AccountId}:oidc-provider/token.actions.githubusercontent.com",
    );
  });

  test("may take the roles of the bootstrapping and read its environment's templates, and nothing else", () => {
    expect(allowed(role)).toEqual([
      ...["deploy", "file-publishing", "lookup"].map((what) => bootstrapped(what)),
      reads("prod"),
      LISTS,
    ]);
    expect(role.ManagedPolicyArns).toBeUndefined();
    expect(role.MaxSessionDuration).toBe(3_600);
  });

  test("knows how the account was bootstrapped", () => {
    const other = roleOf(stacksOf({ ...PROD, qualifier: "own" }).get("millrace-deploy-prod")!);
    expect(allowed(other)).toContain(bootstrapped("deploy", "own"));
  });
});

test("the role that compares is taken by pull requests, and may change nothing", () => {
  const role = roleOf(stacksOf(PROD).get("millrace-compare")!);
  expect(JSON.stringify(role.AssumeRolePolicyDocument)).toContain('sub":"repo:acme/flights:pull_request"');
  expect(allowed(role)).toEqual([bootstrapped("lookup"), ...["dev", "staging", "prod"].map(reads), LISTS]);
});

test("the identity provider is made once an account, before the roles, unless there is one", () => {
  const stacks = stacksOf(PROD);
  Template.fromStack(stacks.get("millrace-github")!).hasResourceProperties("AWS::IAM::OIDCProvider", {
    Url: "https://token.actions.githubusercontent.com",
    ClientIdList: ["sts.amazonaws.com"],
  });
  expect(stacks.get("millrace-deploy-prod")!.dependencies.map(({ stackName }) => stackName)).toEqual([
    "millrace-github",
  ]);
  expect([...stacksOf({ ...PROD, hasProvider: true }).keys()]).toEqual(["millrace-compare", "millrace-deploy-prod"]);
});

describe("the context", () => {
  const of = (values: Readonly<Record<string, unknown>>) => deliveryOf((name) => values[name]);

  test("says who delivers where", () => {
    expect(of({ environment: "prod", repository: "acme/flights" })).toEqual(PROD);
    expect(of({ environment: "dev", repository: "a@1/b@2", provider: "existing" })).toMatchObject({
      hasProvider: true,
    });
  });

  test.each([
    [{ repository: "acme/flights" }, "environment is missing"],
    [{ environment: "production", repository: "acme/flights" }, "one of dev, staging, prod"],
    [{ environment: "prod" }, "repository is missing"],
    [{ environment: "prod", repository: "acme/*" }, "OWNER/REPOSITORY"],
    [{ environment: "prod", repository: "acme/a:environment:prod" }, "OWNER/REPOSITORY"],
    [{ environment: "prod", repository: "acme/flights", provider: "no" }, "own or existing"],
    [{ environment: "prod", repository: "acme/flights", qualifier: "*" }, "bootstrapped"],
  ])("is refused: %j", (values, why) => {
    expect(() => of(values)).toThrow(why);
  });
});
