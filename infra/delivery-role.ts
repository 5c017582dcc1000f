import { Aws, CfnOutput, Duration, Stack, Tags, Validations, type App } from "aws-cdk-lib";
import { CfnOIDCProvider, PolicyDocument, PolicyStatement, Role, WebIdentityPrincipal } from "aws-cdk-lib/aws-iam";
import { AwsSolutionsChecks } from "cdk-nag";
import { definitionError } from "../lib/errors.ts";
import { acknowledgeResource } from "../lib/cdk/acknowledge.ts";
import { ENVIRONMENT_NAMES, type ReadContext } from "./environment.ts";

const HOST = "token.actions.githubusercontent.com";
const AUDIENCE = "sts.amazonaws.com";

/** What `npx cdk bootstrap` names its roles by, unless told otherwise. */
const QUALIFIER = "hnb659fds";

export interface Delivery {
  readonly environment: string;
  /** `OWNER/REPOSITORY`, with their ids where the repository's subjects have them: `OWNER@1/REPOSITORY@2`. */
  readonly repository: string;
  readonly qualifier: string;
  /** Whether the account knows GitHub already. */
  readonly hasProvider: boolean;
}

/**
 * Who delivers, as the context has it: `environment`, `repository`, `qualifier` of the bootstrapping, and `provider`, which is
 * `existing` where something else has made the identity provider.
 *
 * @throws definition error `delivery/invalid` naming what is possible
 */
export function deliveryOf(read: ReadContext): Delivery {
  const text = (name: string, shape: RegExp, possible: string, otherwise?: string): string => {
    const value = read(name) ?? otherwise;
    if (typeof value === "string" && shape.test(value)) return value;
    throw definitionError({
      code: "delivery/invalid",
      message: `The context value ${name} is ${JSON.stringify(value) ?? "missing"}; possible is ${possible}.`,
      advice: `Give it as -c ${name}=…`,
    });
  };
  const names = ENVIRONMENT_NAMES.join("|");
  return {
    environment: text("environment", new RegExp(`^(${names})$`), `one of ${ENVIRONMENT_NAMES.join(", ")}`),
    // No asterisk: the subject would hold for others too.
    repository: text(
      "repository",
      /^[\w.-]+(@\d+)?\/[\w.-]+(@\d+)?$/,
      "OWNER/REPOSITORY, with ids where subjects have them",
    ),
    qualifier: text("qualifier", /^[a-z0-9]{1,10}$/, "what the account was bootstrapped with", QUALIFIER),
    hasProvider: text("provider", /^(own|existing)$/, "own or existing", "own") === "existing",
  };
}

/**
 * What GitHub delivers with, in the account and region that it is deployed to: the identity provider, the role that deploys to
 * one environment, and the one that compares. docs/delivery.md has the command.
 */
export function addDelivery(app: App, delivery: Delivery): readonly Stack[] {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const { environment, repository, hasProvider } = delivery;
  const compare = new Stack(app, "millrace-compare", { description: "Millrace: what GitHub compares with" });
  const deploy = new Stack(app, `millrace-deploy-${environment}`, {
    description: `Millrace: what GitHub deploys to ${environment} with`,
  });
  githubRole(compare, "Compare", {
    ...{ delivery, subject: `repo:${repository}:pull_request`, takes: ["lookup"] },
    stacks: ENVIRONMENT_NAMES,
  });
  githubRole(deploy, "Deploy", {
    ...{ delivery, subject: `repo:${repository}:environment:${environment}` },
    ...{ takes: ["deploy", "file-publishing", "lookup"], stacks: [environment] },
  });
  Tags.of(deploy).add("millrace:environment", environment);
  if (hasProvider) return [compare, deploy];
  const provider = new Stack(app, "millrace-github", { description: "Millrace: GitHub as an identity provider" });
  new CfnOIDCProvider(provider, "GitHub", { url: `https://${HOST}`, clientIdList: [AUDIENCE] });
  for (const stack of [compare, deploy]) stack.addStackDependency(provider);
  return [provider, compare, deploy];
}

interface RoleSettings {
  readonly delivery: Delivery;
  /** Whose token is taken, in full. */
  readonly subject: string;
  /** Roles that bootstrapping has made, by what they are for. */
  readonly takes: readonly string[];
  /** Environments whose stacks' templates may be read. */
  readonly stacks: readonly string[];
}

/** Changes nothing itself: it takes CDK's roles, and reads what is deployed. */
function githubRole(stack: Stack, id: string, { delivery, subject, takes, stacks }: RoleSettings): void {
  const { ACCOUNT_ID, PARTITION, REGION } = Aws;
  const provider = `arn:${PARTITION}:iam::${ACCOUNT_ID}:oidc-provider/${HOST}`;
  const bootstrapped = (what: string) =>
    `arn:${PARTITION}:iam::${ACCOUNT_ID}:role/cdk-${delivery.qualifier}-${what}-role-${ACCOUNT_ID}-${REGION}`;
  const templatesOf = stacks.map((name) => `arn:${PARTITION}:cloudformation:${REGION}:${ACCOUNT_ID}:stack/*-${name}/*`);
  const role = new Role(stack, id, {
    description: `Taken by jobs of GitHub: ${subject}`,
    assumedBy: new WebIdentityPrincipal(provider, {
      StringEquals: { [`${HOST}:aud`]: AUDIENCE, [`${HOST}:sub`]: subject },
    }),
    maxSessionDuration: Duration.hours(1),
    inlinePolicies: {
      Delivery: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: "TakeRolesOfCdk",
            actions: ["sts:AssumeRole"],
            resources: takes.map(bootstrapped),
          }),
          new PolicyStatement({
            sid: "ReadTemplates",
            actions: ["cloudformation:GetTemplate"],
            resources: templatesOf,
          }),
          new PolicyStatement({ sid: "FindStacks", actions: ["cloudformation:ListStacks"], resources: ["*"] }),
        ],
      }),
    },
  });
  acknowledgeResource(role, "*", "Stacks are listed as a whole: the action knows no resource.");
  for (const templates of templatesOf)
    acknowledgeResource(role, templates, "Stacks are named by pipeline and environment, and have an id at their end.");
  new CfnOutput(stack, "RoleArn", { value: role.roleArn, description: `The role of ${subject}` });
}
