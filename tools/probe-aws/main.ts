import { messageOf } from "../../lib/errors.ts";
import { PythonMissing } from "../../localstack/emulator/python.ts";
import { Interrupt, Interrupted } from "../../localstack/start/interrupt.ts";
import { UsageError } from "../../localstack/start/options.ts";
import { Printer } from "../../localstack/start/print.ts";
import { HELP, parseOptions, type Options } from "./options.ts";
import { openByCloudFormation, openLocalStack, openMinistack, type Opened } from "./places.ts";
import type { Finding, Probe } from "./probe.ts";
import { dynamodbProbes } from "./probes/dynamodb.ts";
import { firehoseProbes } from "./probes/firehose.ts";
import { kinesisProbes } from "./probes/kinesis.ts";
import { mappingProbes } from "./probes/mapping.ts";
import { s3Probes } from "./probes/s3.ts";
import { sqsProbes } from "./probes/sqs.ts";

const PROBES = [...dynamodbProbes, ...s3Probes, ...sqsProbes, ...kinesisProbes, ...firehoseProbes, ...mappingProbes];

/** @returns the exit code */
async function main(args: readonly string[], interrupt: Interrupt, printer: Printer): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const run = `millrace-probe-${Date.now().toString(36)}`;
  const told = (text: string): void => printer.line(`${text} …`);
  const opened = await open(options, run, told, interrupt);
  try {
    return await probe(options, run, opened, interrupt, printer);
  } finally {
    await opened.close();
  }
}

function open({ on }: Options, run: string, told: (text: string) => void, interrupt: Interrupt): Promise<Opened> {
  if (on === "aws") return openByCloudFormation(run, told);
  return on === "ministack" ? openMinistack(run, told, interrupt.signal) : openLocalStack(told);
}

async function probe(
  { on, services }: Options,
  run: string,
  { clients, place }: Opened,
  interrupt: Interrupt,
  printer: Printer,
): Promise<number> {
  const wanted = PROBES.filter(({ service }) => services.length === 0 || services.includes(service.toLowerCase()));
  const context = { clients, place, run, sleep: interrupt.sleep };
  const failed: string[] = [];
  let service = "";
  for (const each of wanted) {
    if (each.service !== service) printer.section(each.service);
    service = each.service;
    const { holds, seen } = await interrupt.orEnd(findingOf(each, context));
    printer.line(`  ${holds === undefined ? "not seen" : holds ? "holds   " : "DOES NOT"}  ${each.assumption}`);
    printer.line(`            ${seen}`);
    if (holds !== true) failed.push(`${each.service}: ${each.assumption}`);
  }
  printer.line();
  const what = on === "aws" ? "Does not hold, or was not seen" : `Not reproduced by ${on}`;
  for (const text of failed) printer.line(`${what}: ${text}`);
  printer.line(`${wanted.length - failed.length} of ${wanted.length} assumptions hold on ${on}`);
  return on === "aws" && failed.length > 0 ? 1 : 0;
}

async function findingOf(each: Probe, context: Parameters<Probe["run"]>[0]): Promise<Finding> {
  try {
    return await each.run(context);
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return { holds: false, seen: `failed: ${messageOf(error)}` };
  }
}

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const printer = new Printer(process.stdout);
const interrupt = new Interrupt();
interrupt.listen(() => printer.line("Ending: deleting what was made …"));
let code: number;
try {
  code = await main(process.argv.slice(2), interrupt, printer);
} catch (error) {
  const isUsage = error instanceof UsageError || error instanceof PythonMissing;
  if (!(error instanceof Interrupted)) process.stderr.write(`${messageOf(error)}\n`);
  code = interrupt.signal.aborted ? interrupt.exitCode : isUsage ? 2 : 1;
}
process.exit(code);
