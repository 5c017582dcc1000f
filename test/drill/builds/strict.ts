import { lambdaHandler } from "millrace/lambda";
import * as z from "zod";
import { anyDeparture, flightDelays } from "../pipeline.ts";

/** A build that was deployed by mistake: it wants a field that no producer sends. */
export const handler = lambdaHandler(flightDelays(anyDeparture.extend({ gate: z.string() })));
