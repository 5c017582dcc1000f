import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../lib/errors.ts";
import { instant, whole, type Printer } from "../../localstack/start/print.ts";
import { makeClients, type Clients } from "../clients.ts";
import { outputsOf } from "../dead-letters/place.ts";
import { runTool, UsageError, type ToolRun } from "../run-tool.ts";
import { LakeErrors } from "./lake-errors.ts";
import { HELP, parseOptions, type Options, type Where } from "./options.ts";
import { lakesOf, type LakePlace } from "./place.ts";
import { putBack } from "./put.ts";

type Command = Exclude<Options, { readonly command: "help" }>;

/** @returns the exit code */
async function main({ args, printer, isInterrupted }: ToolRun): Promise<number> {
  const options = parseOptions(args);
  if (options.command === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const clients = makeClients();
  try {
    const lakes = await findLakes(options.where, options.lake);
    if (options.command === "list") return await list(lakes, options, clients, printer, isInterrupted);
    let code = 0;
    for (const lake of lakes) {
      if (!isInterrupted()) code = Math.max(code, await put(lake, options, clients, printer, isInterrupted));
    }
    return code;
  } finally {
    for (const client of Object.values(clients) as Clients[keyof Clients][]) client.destroy();
  }
}

async function findLakes(where: Where, name: string | undefined): Promise<readonly LakePlace[]> {
  if (!("stack" in where)) return [where];
  const all = lakesOf(await outputsOf(where.stack), where.stack, where.prefix);
  const lakes = name === undefined ? all : all.filter((lake) => lake.name === name);
  if (lakes.length > 0) return lakes;
  throw new UsageError(`The stack has no lake "${name ?? ""}": ${all.map((lake) => lake.name).join(", ")}.`);
}

async function list(
  lakes: readonly LakePlace[],
  { limit }: Command,
  { s3 }: Clients,
  printer: Printer,
  isOver: () => boolean,
): Promise<number> {
  const lines: string[][] = [];
  let code = 0;
  for (const lake of lakes) {
    const errors = new LakeErrors(s3, lake);
    for (const { key, modified } of await errors.list(limit)) {
      if (isOver()) return code;
      let [records, reason] = [0, ""];
      try {
        for await (const record of errors.read(key)) {
          records += 1;
          reason ||= record.reason;
        }
      } catch (error) {
        reason = messageOf(error);
        code = 1;
      }
      lines.push([lake.name, instant(modified), errors.kindOf(key), whole(records), reason, key]);
    }
  }
  if (lines.length === 0) printer.line("No error objects.");
  else printer.table(["lake", "when (UTC)", "kind", "records", "first reason", "key"], lines);
  return code;
}

async function put(
  lake: LakePlace,
  options: Command,
  { s3, firehose }: Clients,
  printer: Printer,
  isOver: () => boolean,
): Promise<number> {
  const verb = options.dryRun ? "would put" : "put";
  const said = ({ objects, records }: { objects: number; records: number }) =>
    `${lake.name}: ${verb} ${whole(records)} records of ${whole(objects)} error objects`;
  const summary = await putBack({
    ...options,
    ...{ firehose, deliveryStream: lake.deliveryStream, errors: new LakeErrors(s3, lake) },
    isOver,
    onProgress: (progress) => printer.status(said(progress), performance.now()),
    now: () => performance.now(),
    sleep: async (millis) => void (await sleep(millis)),
  });
  for (const why of summary.left) process.stderr.write(`Left: ${why}\n`);
  printer.line(said(summary));
  return summary.left.length > 0 ? 1 : 0;
}

await runTool(main, "Ending with the error object in hand …");
