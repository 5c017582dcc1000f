import { spawn } from "node:child_process";

export interface Terminal {
  /**
   * Runs commands in their order, as an operator types them. @throws what the first that fails has printed
   *
   * @param deploy stands for `npx cdk deploy`: there is no CloudFormation here that would
   */
  run(commands: readonly string[], deploy: () => Promise<void>): Promise<void>;
  close(): void;
}

/** Version 1 of the AWS CLI goes to AWS with what is for SQS, whatever its variable says; docs/operations.md tells so. */
const SQS =
  'aws() { if [ "$1" = sqs ]; then command aws --endpoint-url "$AWS_ENDPOINT_URL_SQS" "$@"; else command aws "$@"; fi; }';

/** The id of a dead letter of the pipeline. */
const LETTER = /flight-delays:0:[^\s"]+@\d+#\d+/;

/** What a command's end looks like: no command prints it. */
const END = /\n--end of command: (\d+)--\n/;

/**
 * Where commands of the runbook are typed, word for word: one shell, that remembers what was set.
 *
 * @param environment what is set before the first command: where the services are
 */
export function openTerminal(environment: Readonly<Record<string, string>>): Terminal {
  const bash = spawn("bash", ["--norc"], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  let printed = "";
  let onOutput: () => void = () => undefined;
  bash.stdout.setEncoding("utf8").on("data", (part: string) => {
    said += part;
    onOutput();
  });
  bash.on("close", () => onOutput());
  bash.stdin.write(`exec 2>&1\n${SQS}\n`);

  /** The text's dead letter is an example: the first that was printed takes its place. */
  const filled = (command: string): string =>
    command.replace(LETTER, (example) => LETTER.exec(printed)?.[0] ?? example);
  const typed = async (command: string): Promise<void> => {
    bash.stdin.write(`{ ${command}\n} </dev/null\nprintf '\\n--end of command: %d--\\n' "$?"\n`);
    for (;;) {
      const [whole, code] = END.exec(said) ?? [];
      if (whole !== undefined) {
        const output = said.slice(0, said.indexOf(whole));
        said = "";
        printed += output;
        if (code === "0") return;
        throw new Error(`The command failed with code ${code!}: ${command}\n${output.trim()}`);
      }
      if (bash.exitCode !== null) throw new Error(`The shell ended at: ${command}\n${said.trim()}`);
      await new Promise<void>((resolve) => (onOutput = resolve));
    }
  };
  return {
    run: async (commands, deploy) => {
      for (const command of commands) {
        if (/^npx cdk deploy\b/.test(command)) await deploy();
        else await typed(filled(command));
      }
    },
    close: () => void bash.kill(),
  };
}
