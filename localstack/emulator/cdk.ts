import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CLI = path.join(ROOT, "node_modules/aws-cdk/bin/cdk");
const APP = `${process.execPath} --import tsx localstack/emulator/app.ts`;

/** Runs a command, and ends its process group when standard input closes, as it does when this process ends. */
const WITH_PARENT = `exec 3<&0; { cat <&3; kill -KILL 0; } >/dev/null 2>&1 & exec "$@" </dev/null 3<&-`;

/** The account that the emulator takes everyone for. */
export const ACCOUNT = "000000000000";
export const REGION = "us-east-1";
export const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

/** The CDK command line, the same that deploys to AWS, with its endpoint as the only difference. */
export class Cdk {
  readonly #endpoint: string;
  readonly #directory: string;
  readonly #signal: AbortSignal;
  readonly log: string;

  /** @param directory for its output, its cache and its log */
  constructor(endpoint: string, directory: string, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#directory = directory;
    this.#signal = signal;
    this.log = path.join(directory, "cdk.log");
  }

  bootstrap(): Promise<void> {
    return this.#run(["bootstrap", `aws://${ACCOUNT}/${REGION}`]);
  }

  /** @param context what `-c name=value` sets */
  deploy(stack: string, context: Readonly<Record<string, string>>): Promise<void> {
    return this.#run(["deploy", stack, "--require-approval", "never", ...contextOf(context)]);
  }

  destroy(stack: string, context: Readonly<Record<string, string>>): Promise<void> {
    return this.#run(["destroy", stack, "--force", ...contextOf(context)]);
  }

  async #run(args: readonly string[]): Promise<void> {
    this.#signal.throwIfAborted();
    await mkdir(this.#directory, { recursive: true });
    const output = path.join(this.#directory, "cdk.out");
    const command = [process.execPath, CLI, ...args, "--app", APP, "--output", output, "--no-notices"];
    const child = spawn("/bin/sh", ["-c", WITH_PARENT, "cdk", ...command], {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "pipe"],
      // A group of its own: the app that it runs has to end with it.
      detached: true,
      env: {
        PATH: process.env["PATH"],
        HOME: this.#directory,
        CDK_HOME: path.join(this.#directory, "cdk-home"),
        CDK_DISABLE_VERSION_CHECK: "true",
        CDK_DISABLE_CLI_TELEMETRY: "true",
        AWS_ENDPOINT_URL: this.#endpoint,
        AWS_ENDPOINT_URL_S3: this.#endpoint,
        AWS_REGION: REGION,
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: "true",
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      },
    });
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    };
    this.#signal.addEventListener("abort", end, { once: true });
    try {
      let said = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => (said += text));
      const [code] = (await once(child, "close")) as [number | null];
      await appendFile(this.log, `$ cdk ${args.join(" ")}\n${said}\n`);
      this.#signal.throwIfAborted();
      if (code !== 0)
        throw new Error(`cdk ${args[0]!} failed with code ${String(code)}; ${this.log} has all of it:\n${tail(said)}`);
    } finally {
      child.stdin.end();
      this.#signal.removeEventListener("abort", end);
    }
  }
}

const contextOf = (context: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(context).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

const tail = (text: string): string => text.trim().split("\n").slice(-40).join("\n");
