import { lambdaHandler } from "millrace/lambda";
import { ofGrowingTopic } from "./pipelines.ts";

export const handler = lambdaHandler(ofGrowingTopic);
