import { paginateScan, type AttributeValue, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { hourOf, type CostEvent, type Hour } from "./events.ts";

/** A table of airports' hours, as one writes it by hand: an item each, changed in place. */
export const HOURS_KEY = { id: "S" } as const;

/** Adds events to their hour. Not harmless when repeated. */
export function addition(table: string, hour: string, { flights, delay }: Hour) {
  return {
    TableName: table,
    Key: { id: { S: hour } } satisfies Record<string, AttributeValue>,
    UpdateExpression: "ADD flights :n, delay :d",
    ExpressionAttributeValues: { ":n": { N: String(flights) }, ":d": { N: String(delay) } },
  };
}

export const additionOf = (table: string, { departure }: CostEvent) =>
  addition(table, hourOf(departure), { flights: 1, delay: departure.delay });

export async function readHours(client: DynamoDBClient, table: string): Promise<ReadonlyMap<string, Hour>> {
  const hours = new Map<string, Hour>();
  for await (const { Items } of paginateScan({ client }, { TableName: table, ConsistentRead: true })) {
    for (const { id, flights, delay } of Items ?? [])
      hours.set(id!.S!, { flights: Number(flights!.N), delay: Number(delay!.N) });
  }
  return hours;
}
