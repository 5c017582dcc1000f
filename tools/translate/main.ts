import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { copyPositions } from "../../lib/connectors/replication/index.ts";
import { runTool, type ToolRun } from "../run-tool.ts";
import { HELP, parseOptions } from "./options.ts";

async function main({ args }: ToolRun): Promise<number> {
  const options = parseOptions(args);
  if (options.command === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const { table, region, read, command: _, ...names } = options;
  const client = new DynamoDBClient(region === undefined ? {} : { region });
  try {
    const start = await copyPositions({ client, tableName: table, ...names }).translate(read);
    process.stdout.write(`${JSON.stringify(start, undefined, 2)}\n`);
    return 0;
  } finally {
    client.destroy();
  }
}

await runTool(main);
