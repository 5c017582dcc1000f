import { ingestHandler } from "millrace/lambda";
import { orders } from "./pipeline.ts";

export const handler = ingestHandler(orders, { idempotencyField: "request" });
