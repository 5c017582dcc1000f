import { runCommand } from "../start/command.ts";
import { HELP, parseOptions } from "./options.ts";
import { PythonMissing } from "./python.ts";
import { run } from "./run.ts";

/**
 * `npm run test:localstack`: the app deployed by the CDK itself to an emulator of AWS, fed, deployed again in mid-stream,
 * checked and destroyed. README.md beside the local stack says what the emulator does otherwise than AWS.
 */
await runCommand({
  help: HELP,
  parse: parseOptions,
  run,
  ending: "Ending: stopping the emulator …",
  isUsers: (error) => error instanceof PythonMissing,
});
