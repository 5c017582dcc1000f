import { lambdaHandler } from "millrace/lambda";
import { ofKafka } from "./pipelines.ts";

export const handler = lambdaHandler(ofKafka);
