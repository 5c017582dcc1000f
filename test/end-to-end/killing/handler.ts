import { lambdaHandler } from "millrace/lambda";
import killing from "./pipeline.ts";

export const handler = lambdaHandler(killing);
