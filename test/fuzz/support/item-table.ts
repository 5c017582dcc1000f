import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "../../../lib/dynamodb/attributes.ts";

/** As much of a DynamoDB table as a changelog asks of it, in memory: for cases by the hundred thousand. */
export class ItemTable {
  readonly items = new Map<string, Item>();

  get client(): DynamoDBClient {
    const send = async (command: unknown) => this.#run(command);
    return { send } as unknown as DynamoDBClient;
  }

  clone(): ItemTable {
    const table = new ItemTable();
    for (const [key, item] of this.items) table.items.set(key, structuredClone(item));
    return table;
  }

  #run(command: unknown): unknown {
    if (command instanceof QueryCommand) return this.#query(command.input);
    if (command instanceof GetItemCommand) return { Item: this.items.get(keyOf(command.input.Key!)) };
    if (command instanceof PutItemCommand) {
      const key = keyOf(command.input.Item!);
      if (this.items.has(key)) throw failed();
      this.items.set(key, structuredClone(command.input.Item!));
      return {};
    }
    if (command instanceof UpdateItemCommand) return this.#update(command.input);
    throw new Error("The table has no such command");
  }

  #query({ ExpressionAttributeValues: values, ScanIndexForward, Limit }: QueryCommand["input"]) {
    const [from, to] = [Number(values![":from"]!.N), Number(values![":to"]!.N)];
    const found = [...this.items.values()]
      .filter((item) => item["task"]!.S === values![":t"]!.S)
      .filter((item) => Number(item["epoch"]!.N) >= from && Number(item["epoch"]!.N) <= to)
      .sort((a, b) => Number(a["epoch"]!.N) - Number(b["epoch"]!.N));
    if (ScanIndexForward === false) found.reverse();
    return { Items: structuredClone(found.slice(0, Limit)), ConsumedCapacity: { CapacityUnits: 1 } };
  }

  #update(input: UpdateItemCommand["input"]) {
    const key = keyOf(input.Key!);
    const item = structuredClone(this.items.get(key)) ?? { ...input.Key! };
    const name = (alias: string) => input.ExpressionAttributeNames![alias]!;
    const value = (alias: string) => input.ExpressionAttributeValues![alias]!;
    if (!holds(input.ConditionExpression!, (alias) => item[name(alias)], value)) throw failed();
    const [verb, rest] = /^(\w+) (.*)$/.exec(input.UpdateExpression!)!.slice(1) as [string, string];
    for (const part of rest.split(", ")) {
      const [alias, operand] = part.split(verb === "SET" ? " = " : " ") as [string, string];
      const set = item[name(alias)]?.SS ?? [];
      const given = value(operand);
      if (verb === "SET") item[name(alias)] = given;
      else if (verb === "ADD") item[name(alias)] = { SS: [...new Set([...set, ...given.SS!])] };
      else {
        const left = set.filter((one) => !given.SS!.includes(one));
        if (left.length > 0) item[name(alias)] = { SS: left };
        else delete item[name(alias)];
      }
    }
    this.items.set(key, item);
    return {};
  }
}

/** Conditions as the changelog writes them: comparisons joined by OR, each perhaps an AND in brackets. */
function holds(
  condition: string,
  attribute: (alias: string) => AttributeValue | undefined,
  value: (alias: string) => AttributeValue,
): boolean {
  const compares = (text: string): boolean => {
    const absent = /^attribute_not_exists\((\S+)\)$/.exec(text);
    if (absent !== null) return attribute(absent[1]!) === undefined;
    const [left, operator, right] = text.split(" ") as [string, string, string];
    const [a, b] = [attribute(left), value(right)];
    if (a === undefined) return operator === "<>";
    const [x, y] = b.N === undefined ? [a.S, b.S] : [a.N && Number(a.N), Number(b.N)];
    if (operator === "=") return x === y;
    if (operator === "<>") return x !== y;
    return typeof x === typeof y && x! < y!;
  };
  return condition.split(" OR ").some((one) =>
    one
      .replace(/^\((.* AND .*)\)$/, "$1")
      .split(" AND ")
      .every(compares),
  );
}

const keyOf = (item: Item): string => `${item["task"]!.S} ${item["epoch"]!.N}`;

const failed = () => new ConditionalCheckFailedException({ $metadata: {}, message: "The condition does not hold" });
