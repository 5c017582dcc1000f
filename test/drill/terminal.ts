import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Terminal {
  /** Runs commands in their order, as an operator types them. @throws what the first that fails has printed */
  run(commands: readonly string[]): Promise<void>;
}

export interface TerminalOptions {
  /** What is set before the first command: where the services are. */
  readonly environment: Readonly<Record<string, string>>;
  /** Run in each shell before its command: it sets the variables that commands name. */
  readonly preamble: readonly string[];
  /** Stands for `npx cdk deploy`: there is no CloudFormation here that would. */
  readonly deploy: () => Promise<void>;
}

/** Version 1 of the AWS CLI goes to AWS with what is for SQS, whatever its variable says; docs/operations.md tells so. */
const SQS =
  'aws() { if [ "$1" = sqs ]; then command aws --endpoint-url "$AWS_ENDPOINT_URL_SQS" "$@"; else command aws "$@"; fi; }';

/** The id of a dead letter of the pipeline. */
const LETTER = /flight-delays:0:[^\s"]+@\d+#\d+/;

/** Where commands of the runbook are typed, word for word. */
export function openTerminal({ environment, preamble, deploy }: TerminalOptions): Terminal {
  let printed = "";
  /** The text's dead letter is an example: the first that was printed takes its place. */
  const filled = (command: string): string =>
    command.replace(LETTER, (example) => LETTER.exec(printed)?.[0] ?? example);
  const shell = async (command: string): Promise<void> => {
    const text = ["set -e", SQS, ...preamble, command].join("\n");
    const bash = spawn("bash", ["-c", text], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [bash.stdout, bash.stderr])
      stream.setEncoding("utf8").on("data", (part: string) => (said += part));
    const [code] = (await once(bash, "close")) as [number | null];
    printed += said;
    if (code !== 0) throw new Error(`The command failed with code ${String(code)}: ${command}\n${said.trim()}`);
  };
  return {
    run: async (commands) => {
      for (const command of commands) {
        if (/^npx cdk deploy\b/.test(command)) await deploy();
        else await shell(filled(command));
      }
    },
  };
}
