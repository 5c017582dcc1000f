import { lambdaHandler } from "millrace/lambda";
import mended from "./pipeline.ts";

export const handler = lambdaHandler(mended);
