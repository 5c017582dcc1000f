import { Interrupt, Interrupted } from "./interrupt.ts";
import { UsageError } from "./options.ts";
import { Printer } from "./print.ts";

export interface Command<Options extends { readonly help: boolean }> {
  readonly help: string;
  /** @throws UsageError */
  readonly parse: (args: readonly string[]) => Options;
  /** @returns whether all is well */
  readonly run: (options: Options, interrupt: Interrupt, printer: Printer) => Promise<boolean>;
  /** Said at Ctrl-C. */
  readonly ending: string;
  /** Errors whose message is enough, as what is to be done about them is outside. @default those of the command line alone */
  readonly isUsers?: (error: unknown) => boolean;
}

/** Runs a command to the end of the process. Exit code 0: all is well. 1: it is not. 2: the user's to mend. Else Ctrl-C's. */
export async function runCommand<Options extends { readonly help: boolean }>(
  command: Command<Options>,
): Promise<never> {
  // The notice that the SDK will want Node 22 one day is for the project's maintainers, not for who runs it.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  const printer = new Printer(process.stdout);
  const interrupt = new Interrupt();
  interrupt.listen(() => printer.line(command.ending));
  // What is left behind by then (idle sockets, a query that was given up) is of no use to anyone.
  process.exit(await exitCodeOf(command, interrupt, printer));
}

async function exitCodeOf<Options extends { readonly help: boolean }>(
  { help, parse, run, isUsers }: Command<Options>,
  interrupt: Interrupt,
  printer: Printer,
): Promise<number> {
  try {
    const options = parse(process.argv.slice(2));
    if (options.help) {
      process.stdout.write(help);
      return 0;
    }
    return (await run(options, interrupt, printer)) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted || interrupt.signal.aborted) return interrupt.exitCode;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof UsageError || isUsers?.(error) === true) {
      process.stderr.write(`${message}\n`);
      return 2;
    }
    printer.line();
    process.stderr.write(`The run failed: ${(error instanceof Error && error.stack) || message}\n`);
    return 1;
  }
}
