import { lambdaHandler } from "millrace/lambda";
import second from "./pipeline.ts";

export const handler = lambdaHandler(second);
