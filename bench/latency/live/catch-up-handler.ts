import { lambdaHandler } from "millrace/lambda";
import catchUp from "./catch-up-pipeline.ts";

export const handler = lambdaHandler(catchUp);
