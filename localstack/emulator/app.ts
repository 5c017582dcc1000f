import { App } from "aws-cdk-lib";
import flightDelays from "../../functions/aggregate-flight-delays/pipeline.ts";
import { addStacks } from "../../infra/stacks.ts";
import second from "./second/pipeline.ts";

/**
 * The CDK app of `npm run test:localstack`: the stacks of `infra/`, with the one pipeline that it runs. The context value
 * `pipelineVersion` is 1 or 2: what is deployed first, and what takes over.
 */
const app = new App();
const isSecond = app.node.tryGetContext("pipelineVersion") === "2";
addStacks(app, [
  isSecond
    ? { pipeline: second, handler: "localstack/emulator/second/handler.ts" }
    : { pipeline: flightDelays, handler: "functions/aggregate-flight-delays/handler.ts" },
]);
