import { lambdaHandler } from "millrace/lambda";
import shops from "./pipeline.ts";

export const handler = lambdaHandler(shops);
