import { lambdaHandler } from "millrace/lambda";
import ingested from "./pipeline.ts";

export const handler = lambdaHandler(ingested);
