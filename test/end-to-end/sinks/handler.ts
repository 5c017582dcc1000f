import { lambdaHandler } from "millrace/lambda";
import everywhere from "./pipeline.ts";

export const handler = lambdaHandler(everywhere);
