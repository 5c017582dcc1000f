import { lambdaHandler } from "millrace/lambda";
import earthquakes from "./pipeline.ts";

export const handler = lambdaHandler(earthquakes);
