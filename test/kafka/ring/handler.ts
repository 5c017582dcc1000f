import { lambdaHandler } from "millrace/lambda";
import ring from "./pipeline.ts";

export const handler = lambdaHandler(ring);
