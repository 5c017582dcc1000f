import { Interrupt, Interrupted } from "../start/interrupt.ts";
import { UsageError } from "../start/options.ts";
import { Printer } from "../start/print.ts";
import { HELP, parseOptions } from "./options.ts";
import { PythonMissing } from "./python.ts";
import { run } from "./run.ts";

/**
 * `npm run test:localstack`: the app deployed by the CDK itself to an emulator of AWS, fed, deployed again in mid-stream,
 * checked and destroyed. README.md beside the local stack says what the emulator does otherwise than AWS.
 */
async function main(args: readonly string[], interrupt: Interrupt, printer: Printer): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options.help) {
      process.stdout.write(HELP);
      return 0;
    }
    return (await run(options, interrupt, printer)) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted || interrupt.signal.aborted) return interrupt.exitCode;
    printer.line();
    if (error instanceof PythonMissing || error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    process.stderr.write(
      `The run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
}

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const printer = new Printer(process.stdout);
const interrupt = new Interrupt();
interrupt.listen(() => printer.line("Ending: stopping the emulator …"));
process.exit(await main(process.argv.slice(2), interrupt, printer));
