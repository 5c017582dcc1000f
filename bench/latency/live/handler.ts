import { lambdaHandler } from "millrace/lambda";
import live from "./pipeline.ts";

export const handler = lambdaHandler(live);
