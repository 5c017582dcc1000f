import { lambdaHandler } from "millrace/lambda";
import { minutes } from "./pipeline.ts";

export const handler = lambdaHandler(minutes(3));
