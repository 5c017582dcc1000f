import { lambdaHandler } from "millrace/lambda";
import * as z from "zod";
import { anyDeparture, flightDelays } from "../pipeline.ts";

/** Takes delays that are texts as well, as one producer sends them. */
export const handler = lambdaHandler(flightDelays(anyDeparture.extend({ delay: z.coerce.number() })));
