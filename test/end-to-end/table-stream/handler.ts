import { lambdaHandler } from "millrace/lambda";
import orders from "./pipeline.ts";

export const handler = lambdaHandler(orders);
