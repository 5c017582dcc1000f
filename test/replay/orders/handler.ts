import { lambdaHandler } from "millrace/lambda";
import replayed from "./pipeline.ts";

export const handler = lambdaHandler(replayed);
