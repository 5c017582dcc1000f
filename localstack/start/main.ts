import { runCommand } from "./command.ts";
import { HELP, parseOptions } from "./options.ts";
import { planRun, run } from "./run.ts";

/** The main command: `npm start`. See options.ts for what it does. */
await runCommand({
  help: HELP,
  parse: parseOptions,
  run: async (options, interrupt, printer) => run(await planRun(options), interrupt, printer),
  ending: "Ending: stopping the local stack …",
});
