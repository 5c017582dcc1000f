import { lambdaHandler } from "millrace/lambda";
import payments from "./pipeline.ts";

export const handler = lambdaHandler(payments);
