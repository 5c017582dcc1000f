import { lambdaHandler } from "millrace/lambda";
import flightDelays from "./pipeline.ts";

export const handler = lambdaHandler(flightDelays);
