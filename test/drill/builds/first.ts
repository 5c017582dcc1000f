import { lambdaHandler } from "millrace/lambda";
import { departure } from "../../../functions/aggregate-flight-delays/schemas.ts";
import { flightDelays } from "../pipeline.ts";

/** What runs when nothing is wrong. */
export const handler = lambdaHandler(flightDelays(departure));
