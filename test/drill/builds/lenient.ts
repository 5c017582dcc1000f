import { lambdaHandler } from "millrace/lambda";
import * as z from "zod";
import { departure } from "../../../functions/aggregate-flight-delays/schemas.ts";
import { flightDelays } from "../pipeline.ts";

/** Takes delays that are texts as well, as one producer sends them. */
export const handler = lambdaHandler(flightDelays(departure.extend({ delay: z.coerce.number() })));
