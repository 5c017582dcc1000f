import { lambdaHandler } from "millrace/lambda";
import accounts from "./pipeline.ts";

export const handler = lambdaHandler(accounts);
