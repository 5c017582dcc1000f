import { lambdaHandler } from "millrace/lambda";
import readings from "./pipeline.ts";

export const handler = lambdaHandler(readings);
