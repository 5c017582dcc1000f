import { lambdaHandler } from "millrace/lambda";
import routes from "./pipeline.ts";

export const handler = lambdaHandler(routes);
