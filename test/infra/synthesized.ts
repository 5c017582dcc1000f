import { readFileSync } from "node:fs";
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { Pipeline } from "millrace";
import { MillracePipeline, type MillracePipelineProps } from "millrace/cdk";
import { pipelines, type DeployedPipeline } from "../../infra/pipelines.ts";
import { addStacks } from "../../infra/stacks.ts";

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

/** What the command line gives as `-c name=value`. */
export type Context = Readonly<Record<string, unknown>>;

export type Resources = Readonly<Record<string, Resource>>;

const { context: flags } = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8")) as {
  readonly context: Readonly<Record<string, unknown>>;
};

/** The CDK app as its command makes it, and its stacks, in the order of infra/pipelines.ts. Bundles are left out, as they take seconds. */
export function appOf(environment: string, context: Context = {}, deployed: readonly DeployedPipeline[] = pipelines) {
  const app = new App({ context: { ...flags, environment, "aws:cdk:bundling-stacks": [], ...context } });
  const stacks = addStacks(app, deployed);
  const [stack] = stacks;
  if (stack === undefined) throw new Error("There is no pipeline to deploy.");
  return { app, stack, stacks };
}

/** The template of the first pipeline's stack. CDK's own validation, seconds of it, runs in nag.test.ts alone. */
export function synthesized(environment: string, context: Context = {}): Template {
  process.env["CDK_VALIDATION"] = "false";
  return Template.fromStack(appOf(environment, context, pipelines.slice(0, 1)).stack);
}

/** The template of a stack with one pipeline and these settings. */
export function provisioned(pipeline: Pipeline, props: Partial<MillracePipelineProps> = {}): Template {
  process.env["CDK_VALIDATION"] = "false";
  const stack = new Stack(new App(), "test");
  new MillracePipeline(stack, "Pipeline", {
    pipeline,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...props,
  });
  return Template.fromStack(stack);
}

export const resourcesOf = (template: Template): Resources => template.toJSON()["Resources"] as Resources;

export const ofType = (template: Template, type: string): readonly Resource[] =>
  Object.values(resourcesOf(template)).filter((resource) => resource.Type === type);

/** A value of a template as text that can be read: `{PipelineChangelog.Arn}` for an attribute, `{X}` for a reference. */
export function plain(value: unknown): string {
  if (typeof value === "string") return value;
  const [[name, argument] = []] = Object.entries(value as object) as [string, unknown][];
  if (name === "Ref") return `{${unhashed(argument as string)}}`;
  if (name === "Fn::GetAtt") return `{${(argument as string[]).map(unhashed).join(".")}}`;
  if (name === "Fn::Join") return (argument as [string, unknown[]])[1].map(plain).join((argument as [string])[0]);
  return JSON.stringify(value);
}

const unhashed = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, "");
