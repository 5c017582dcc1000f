import { lambdaHandler } from "millrace/lambda";
import { anyDeparture, flightDelays } from "../pipeline.ts";

/** What runs when nothing is wrong. */
export const handler = lambdaHandler(flightDelays(anyDeparture));
