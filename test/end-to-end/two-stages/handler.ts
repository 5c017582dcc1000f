import { lambdaHandler } from "millrace/lambda";
import visits from "./pipeline.ts";

export const handler = lambdaHandler(visits);
