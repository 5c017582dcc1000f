import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import type { ViewDeclaration } from "./declare.ts";
import { ViewWriter } from "./deliver.ts";

/** Delivers to a view. Its address has `table`, the name. */
export const viewWriter: MakeWriter = (sink, address, { aws, now, wait }) =>
  new ViewWriter({
    client: aws.of(DynamoDBClient),
    view: sink as ViewDeclaration,
    table: fieldOf(address, "table", `The view "${sink.name}"`),
    now,
    wait,
  });
