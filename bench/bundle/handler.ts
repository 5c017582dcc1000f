import { lambdaHandler } from "millrace/lambda";
import readings from "../state/readings.ts";

export const handler = lambdaHandler(readings);
