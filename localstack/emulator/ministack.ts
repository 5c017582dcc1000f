import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const SERVE = fileURLToPath(new URL("serve.py", import.meta.url));
const MILLIS_TO_START = 60_000;
const MILLIS_TO_STOP = 5_000;

/** A running ministack, with its functions in its own process group. */
export interface Ministack {
  readonly endpoint: string;
  readonly log: string;
  /** The process group, which is also the server's process. */
  readonly group: number;
  /** Ends it and every process it started. */
  stop(): Promise<void>;
}

/**
 * Starts ministack on a free port of 127.0.0.1. It ends with this process, however that ends.
 *
 * @param directory it may fill; logs lie there too
 */
export async function startMinistack(python: string, directory: string): Promise<Ministack> {
  await mkdir(directory, { recursive: true });
  // Functions are unpacked below it, by scripts in CommonJS: they must not take this project for their own.
  await writeFile(path.join(directory, "package.json"), '{ "type": "commonjs" }\n');
  const port = await freePort();
  const log = path.join(directory, "ministack.log");
  const out = await open(log, "a");
  const child = spawn(python, [SERVE], {
    cwd: directory,
    detached: true,
    stdio: ["pipe", out.fd, out.fd],
    env: environment(port, directory),
  });
  await out.close();
  const stop = (): Promise<void> => endGroup(child);
  try {
    await untilReady(child, port, log);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint: `http://127.0.0.1:${port}`, log, group: child.pid!, stop };
}

/** All there is: the server's environment leaks into the functions that it runs. */
function environment(port: number, directory: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: directory,
    TMPDIR: directory,
    STATE_DIR: path.join(directory, "state"),
    S3_DATA_DIR: path.join(directory, "s3"),
    BIND_HOST: "127.0.0.1",
    // In the URLs of queues: "localhost" may be another address.
    MINISTACK_HOST: "127.0.0.1",
    GATEWAY_PORT: String(port),
    LAMBDA_EXECUTOR: "local",
    // These would listen on all addresses.
    IOT_MTLS_ENABLED: "0",
    SFTP_ENABLED: "0",
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function untilReady(child: ChildProcess, port: number, log: string): Promise<void> {
  const until = performance.now() + MILLIS_TO_START;
  let problem: unknown;
  child.once("error", (error) => (problem = error));
  while (performance.now() < until) {
    if (problem !== undefined || child.exitCode !== null || child.signalCode !== null) break;
    const answer = await fetch(`http://127.0.0.1:${port}/_ministack/health`).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  const said = (await readFile(log, "utf8")).trim().split("\n").slice(-20).join("\n");
  throw new Error(`ministack did not start:\n${said}`, { cause: problem });
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, "exit");
    child.kill("SIGTERM"); // it ends its functions
    await Promise.race([gone, sleep(MILLIS_TO_STOP, undefined, { ref: false })]);
  }
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // nothing was left of the group
  }
}
