import type { DynamoDBClient, TransactWriteItemsCommandInput } from "@aws-sdk/client-dynamodb";

/** What a way of being exact has used of AWS, counted where the requests leave. */
export class Tally {
  /** Requests by their names: `dynamodb PutItem`. */
  readonly requests = new Map<string, number>();
  writeUnits = 0;
  readUnits = 0;
  /** Bodies of requests and answers. */
  bytesOut = 0;
  bytesIn = 0;

  add(name: string, n = 1): void {
    this.requests.set(name, (this.requests.get(name) ?? 0) + n);
  }

  of(...names: readonly string[]): number {
    return names.reduce((sum, name) => sum + (this.requests.get(name) ?? 0), 0);
  }

  get dynamodbRequests(): number {
    return [...this.requests].reduce((sum, [name, n]) => sum + (name.startsWith("dynamodb ") ? n : 0), 0);
  }
}

const READS = /^(Get|Query|BatchGet|Scan|TransactGet)/;

interface Capacity {
  readonly CapacityUnits?: number;
}

/**
 * Two units for each item of up to 1 KB (AWS: DynamoDB developer guide, read and write capacity of transactions), which
 * those here are. DynamoDB Local answers two for each table, however many items there are.
 */
const transactionUnits = ({ TransactItems }: TransactWriteItemsCommandInput): number => 2 * TransactItems!.length;

/** Counts what a client sends, and asks every answer for the units that it took. */
export function counted(client: DynamoDBClient, tally: () => Tally): DynamoDBClient {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const name = String(context.commandName).replace(/Command$/, "");
      const input = { ...args.input, ReturnConsumedCapacity: "TOTAL" } as typeof args.input;
      const answer = await next({ ...args, input });
      const now = tally();
      now.add(`dynamodb ${name}`);
      const { ConsumedCapacity: consumed } = answer.output as { ConsumedCapacity?: Capacity | readonly Capacity[] };
      const units = [consumed ?? []].flat().reduce((sum, { CapacityUnits }) => sum + (CapacityUnits ?? 0), 0);
      if (name === "TransactWriteItems") now.writeUnits += transactionUnits(input as TransactWriteItemsCommandInput);
      else if (READS.test(name)) now.readUnits += units;
      else now.writeUnits += units;
      return answer;
    },
    { step: "initialize", name: "tally", priority: "low" },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      const { body } = args.request as { readonly body?: string | Uint8Array };
      const answer = await next(args);
      const { headers } = answer.response as { readonly headers: Readonly<Record<string, string>> };
      tally().bytesOut += body === undefined ? 0 : Buffer.byteLength(body);
      tally().bytesIn += Number(headers["content-length"] ?? 0);
      return answer;
    },
    { step: "finalizeRequest", name: "tally-bytes", priority: "low" },
  );
  return client;
}
