import { Interrupt, Interrupted } from "./interrupt.ts";
import { HELP, parseOptions, UsageError, type Options } from "./options.ts";
import { Printer } from "./print.ts";
import { planRun, run } from "./run.ts";

/** The main command: `npm start`. See options.ts for what it does. */
async function main(args: readonly string[], interrupt: Interrupt, printer: Printer): Promise<number> {
  try {
    const options: Options = parseOptions(args);
    if (options.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const plan = await planRun(options);
    return (await run(plan, interrupt, printer)) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted || interrupt.signal.aborted) return interrupt.exitCode;
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    printer.line();
    process.stderr.write(
      `The run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
}

// The notice that the SDK will want Node 22 one day is for the project's maintainers, not for who runs it.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const printer = new Printer(process.stdout);
const interrupt = new Interrupt();
interrupt.listen(() => printer.line("Ending: stopping the local stack …"));
// What is left behind by then (idle sockets, a query that was given up) is of no use to anyone.
process.exit(await main(process.argv.slice(2), interrupt, printer));
