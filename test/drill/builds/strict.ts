import { lambdaHandler } from "millrace/lambda";
import * as z from "zod";
import { departure } from "../../../functions/aggregate-flight-delays/schemas.ts";
import { flightDelays } from "../pipeline.ts";

/** A build that was deployed by mistake: it wants a field that no producer sends. */
export const handler = lambdaHandler(flightDelays(departure.extend({ gate: z.string() })));
