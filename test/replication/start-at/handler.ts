import { lambdaHandler } from "millrace/lambda";
import reading from "./pipeline.ts";

export const handler = lambdaHandler(reading);
