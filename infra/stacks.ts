import { fileURLToPath } from "node:url";
import { Tags, Validations, type App } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { environmentOf } from "./environment.ts";
import { PipelineStack } from "./pipeline-stack.ts";
import { pipelines, type DeployedPipeline } from "./pipelines.ts";

const PROJECT_ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A stack per pipeline, in the environment of the app's context, checked by cdk-nag at synthesis. */
export function addStacks(app: App, deployed: readonly DeployedPipeline[] = pipelines): readonly PipelineStack[] {
  const environment = environmentOf((name) => app.node.tryGetContext(name) as unknown);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return deployed.map((each) => {
    const stack = new PipelineStack(app, each, environment, PROJECT_ROOT);
    Tags.of(stack).add("millrace:pipeline", each.pipeline.name);
    Tags.of(stack).add("millrace:environment", environment.name);
    return stack;
  });
}
