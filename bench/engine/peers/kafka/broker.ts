import { spawn } from "node:child_process";
import { cpSync, openSync } from "node:fs";
import { appendFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { usageOf, type Usage } from "../../../harness/metered.ts";
import { emptyDirectory, run } from "../../../harness/work.ts";

/** A Kafka broker of one node, on this machine's loopback alone. */
export interface Broker {
  readonly address: string;
  /** What it has taken so far. */
  usage(): Usage;
  stop(): Promise<void>;
}

const HEAP = "-Xmx1g";

/** Starts a broker from Kafka's own jars. */
export async function startBroker(classPath: string): Promise<Broker> {
  const directory = emptyDirectory("kafka");
  const [port, controller] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const settings = path.join(directory, "server.properties");
  cpSync(path.join(import.meta.dirname, "server.properties"), settings);
  appendFileSync(
    settings,
    [
      `listeners=PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controller}`,
      `advertised.listeners=PLAINTEXT://${address}`,
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      `log.dirs=${path.join(directory, "logs")}`,
      "",
    ].join("\n"),
  );
  run("java", ["-cp", classPath, "kafka.tools.StorageTool", "format", "-t", "millracebenchmillrace0", "-c", settings]);
  const log = openSync(path.join(directory, "broker.log"), "w");
  const broker = spawn("java", [HEAP, "-cp", classPath, "kafka.Kafka", settings], { stdio: ["ignore", log, log] });
  const end = () => broker.kill("SIGKILL");
  process.once("exit", end);
  const ended = new Promise<void>((resolve) => broker.once("close", () => resolve()));
  await untilOpen(port, broker);
  return {
    address,
    usage: () => usageOf(broker.pid!),
    stop: async () => {
      process.off("exit", end);
      broker.kill("SIGTERM");
      await ended;
    },
  };
}

async function untilOpen(port: number, broker: { readonly exitCode: number | null }): Promise<void> {
  for (let attempt = 0; attempt < 600 && broker.exitCode === null; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await wait(100);
  }
  throw new Error("The broker did not start: see kafka/broker.log in the work directory.");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
