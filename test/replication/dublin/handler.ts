import { lambdaHandler } from "millrace/lambda";
import replicated from "./pipeline.ts";

export const handler = lambdaHandler(replicated);
