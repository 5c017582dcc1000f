import { lambdaHandler } from "millrace/lambda";
import { minutes } from "./pipeline.ts";

/** So many failures in a row there never are. */
export const handler = lambdaHandler(minutes(Number.MAX_SAFE_INTEGER));
