import { setTimeout as sleep } from "node:timers/promises";
import { makeClients, type Clients } from "../clients.ts";
import { S3Objects } from "../../lib/s3/objects.ts";
import { whole, type Printer } from "../../localstack/start/print.ts";
import { runTool, type ToolRun } from "../run-tool.ts";
import { LetterQueue } from "./letter-queue.ts";
import { listedJson, printTable, readLetters } from "./list.ts";
import { HELP, parseOptions, type Options, type Where } from "./options.ts";
import { outputsOf, placeOf, type Place } from "./place.ts";
import { redriveAll, type RedriveSummary } from "./redrive.ts";
import { describeLetter, findLetter } from "./show.ts";

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
    return await run(options, await findPlace(options.where), clients, printer, isInterrupted);
  } finally {
    for (const client of Object.values(clients) as Clients[keyof Clients][]) client.destroy();
  }
}

async function run(
  options: Command,
  place: Place,
  { sqs, s3 }: Clients,
  printer: Printer,
  isOver: () => boolean,
): Promise<number> {
  const queue = new LetterQueue(sqs, place.queueUrl);
  const objects = new S3Objects(s3, place.bucket);
  switch (options.command) {
    case "list": {
      const listed = await readLetters(queue, isOver);
      if (options.json) process.stdout.write(`${listedJson(listed)}\n`);
      else printTable(listed, printer);
      return 0;
    }
    case "show": {
      const found = await findLetter(queue, options.id);
      if (found === undefined) {
        process.stderr.write(notFound([options.id], await queue.hiddenByOthers()));
        return 1;
      }
      printer.line(await describeLetter(found, objects));
      return 0;
    }
    case "redrive": {
      const verb = options.dryRun ? "would redrive" : "redriven";
      const summary = await redriveAll(queue, options, {
        client: sqs,
        objects,
        place,
        isOver,
        onProgress: ({ redriven }) => printer.status(`${verb} ${whole(redriven.length)} …`, performance.now()),
        now: () => performance.now(),
        sleep: async (millis) => void (await sleep(millis)),
      });
      if (options.dryRun)
        for (const { id, reason } of summary.redriven) printer.line(`${verb} ${id}  (${reason.code})`);
      report(summary, verb, printer);
      if (summary.missing.length > 0) process.stderr.write(notFound(summary.missing, await queue.hiddenByOthers()));
      return summary.refused.length + summary.missing.length + summary.again > 0 ? 1 : 0;
    }
  }
}

async function findPlace(where: Where): Promise<Place> {
  if ("stack" in where) return placeOf(await outputsOf(where.stack), where.stack, where.prefix);
  const { queue, bucket, stages } = where;
  return { queueUrl: queue, bucket, stages };
}

function report(
  { redriven, copies, refused, unreadable, others, again }: RedriveSummary,
  verb: string,
  printer: Printer,
): void {
  for (const { id, why } of refused) process.stderr.write(`Refused: ${id} ${why}\n`);
  const facts = [
    `${verb} ${whole(redriven.length)}`,
    ...(copies > 0 ? [`copies of them ${whole(copies)}`] : []),
    ...(refused.length > 0 ? [`refused ${whole(refused.length)}`] : []),
    ...(again > 0 ? [`failed again ${whole(again)}`] : []),
    `left ${whole(others + refused.length + again)}`,
    ...(unreadable > 0 ? [`no dead letters ${whole(unreadable)}`] : []),
  ];
  printer.line(facts.join(" · "));
}

const notFound = (ids: readonly string[], hidden: number): string =>
  `Not in the queue: ${ids.join(", ")}.${hidden > 0 ? ` Another reader hides about ${whole(hidden)} messages at the moment: try again in a minute.` : " It was redriven, or has expired."}\n`;

await runTool(main, "Ending: giving back what was read …");
