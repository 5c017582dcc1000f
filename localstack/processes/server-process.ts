import { fork, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { LocalStackError } from "../errors.ts";

/** An emulator in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  stop(): Promise<void>;
}

/** Told when an emulator ends that was not stopped. */
export type OnEmulatorEnd = (text: string) => void;

export interface ServerProcessOptions {
  readonly name: string;
  readonly argument: unknown;
  readonly logFile: string;
  readonly nodeFlags?: readonly string[];
  readonly onEnd: OnEmulatorEnd;
}

/**
 * Starts an entry file that listens on 127.0.0.1 and sends its port. It must end when its channel to this
 * process closes, so that nothing is left when this process dies.
 */
export async function startServerProcess(entry: string, options: ServerProcessOptions): Promise<ServerProcess> {
  const child = fork(entry, [JSON.stringify(options.argument)], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: [...(options.nodeFlags ?? [])],
    env: { PATH: process.env["PATH"], AWS_ACCOUNT_ID: "000000000000", AWS_REGION: "us-east-1" },
  });
  const log = createWriteStream(options.logFile, { flags: "a" });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  child.once("exit", () => log.end());
  const port = await portOf(child, options.name, options.logFile);
  let stopping = false;
  child.once("exit", (code, signal) => {
    if (!stopping) options.onEnd(`${options.name} ended by itself (${signal ?? code}); see ${options.logFile}`);
  });
  return {
    port,
    stop: () => {
      stopping = true;
      return stopChild(child);
    },
  };
}

async function portOf(child: ChildProcess, name: string, logFile: string): Promise<number> {
  const ended = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(
        new LocalStackError("EmulatorEnded", `${name} ended (${signal ?? code}) before it listened. See ${logFile}.`),
      ),
    );
  });
  const told = once(child, "message").then(([message]) => {
    if (typeof message === "number") return message;
    throw new LocalStackError(
      "EmulatorEnded",
      `${name} sent something other than its port: ${JSON.stringify(message)}.`,
    );
  });
  return Promise.race([told, ended]);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
