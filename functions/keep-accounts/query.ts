import { viewQueryHandler } from "millrace/lambda";
import { balances } from "./project.ts";

/** `GET /{account}`. */
export const handler = viewQueryHandler(balances);
