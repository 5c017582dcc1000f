import { messageOf } from "../lib/errors.ts";
import { Printer } from "../localstack/start/print.ts";

/** A command line that cannot be followed; the message says why and what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a tool is run with. */
export interface ToolRun {
  readonly args: readonly string[];
  readonly printer: Printer;
  /** Whether it was asked to end: what is in hand is done first. */
  readonly isInterrupted: () => boolean;
}

/**
 * Runs a tool, and sets the process's exit code: the tool's own; 2 for a wrong command line, 1 for other errors, 130 once it
 * was interrupted. A second signal ends the process at once.
 *
 * @param ending said at the first signal; a tool without it ends at once
 */
export async function runTool(main: (run: ToolRun) => Promise<number>, ending?: string): Promise<void> {
  // The notice that the SDK will want Node 22 one day is for the project's maintainers, not for who runs it.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  let isInterrupted = false;
  for (const signal of ending === undefined ? [] : (["SIGINT", "SIGTERM"] as const)) {
    process.on(signal, () => {
      if (isInterrupted) process.exit(130);
      isInterrupted = true;
      process.stderr.write(`${ending}\n`);
    });
  }
  const run = { args: process.argv.slice(2), printer: new Printer(process.stdout), isInterrupted: () => isInterrupted };
  try {
    const code = await main(run);
    process.exitCode = isInterrupted ? 130 : code;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
