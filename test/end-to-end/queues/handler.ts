import { lambdaHandler } from "millrace/lambda";
import queues from "./pipeline.ts";

export const handler = lambdaHandler(queues);
