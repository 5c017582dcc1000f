import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { JsonClient } from "../gateway/json-client.ts";
import { LocalStackError } from "../errors.ts";
import { compileEntry, packageEntry, siblingFile } from "../processes/compile-entry.ts";
import { startServerProcess, type OnEmulatorEnd } from "../processes/server-process.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";

export interface KinesisEmulator {
  readonly port: number;
  readonly client: JsonClient;
  stop(): Promise<void>;
}

export async function startKinesis(dataDirectory: string, onEnd: OnEmulatorEnd): Promise<KinesisEmulator> {
  const path = join(dataDirectory, "kinesis");
  // Mappings start anew with every start of the stack, so records of an earlier one would come again.
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  const entry = compileEntry(siblingFile(import.meta.url, "./kinesalite-entry"), join(dataDirectory, "entries"));
  const server = await startServerProcess(entry, {
    name: "kinesalite",
    argument: { path, packageUrl: packageEntry("kinesalite") },
    logFile: join(dataDirectory, "kinesis.log"),
    onEnd,
    nodeFlags: ["--max-old-space-size=512"],
  });
  const client = new JsonClient(server.port, "Kinesis_20131202", "application/x-amz-json-1.1");
  return {
    port: server.port,
    client,
    stop: async () => {
      client.close();
      await server.stop();
    },
  };
}

/** On demand, AWS begins with four shards; here it stays at them. */
const onDemandShards = 4;

export async function createStream(client: JsonClient, resource: ResolvedResource): Promise<void> {
  if (resource.name in []) {
    // Kinesalite keeps its streams in an array, by name, and takes a method of it for a stream.
    throw new LocalStackError(
      "StreamNameRefused",
      `The emulator cannot hold a stream named ${resource.name}; give it another name.`,
    );
  }
  const shards = resource.properties["ShardCount"];
  const retention = resource.properties["RetentionPeriodHours"];
  const ShardCount = shards === undefined ? onDemandShards : Number(shards);
  await client.call("CreateStream", { StreamName: resource.name, ShardCount });
  await untilActive(client, resource.name);
  if (retention !== undefined && Number(retention) > 24) {
    // The emulator knows at most a week; nothing local lives longer.
    const RetentionPeriodHours = Math.min(Number(retention), 168);
    await client.call("IncreaseStreamRetentionPeriod", { StreamName: resource.name, RetentionPeriodHours });
  }
}

/** Resolves when the stream has its final shards: creation, split and merge are answered before they are done. */
export async function untilActive(client: JsonClient, StreamName: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = (await client.call("DescribeStreamSummary", { StreamName })) as {
      readonly StreamDescriptionSummary?: { readonly StreamStatus?: string };
    };
    if (answer.StreamDescriptionSummary?.StreamStatus === "ACTIVE") return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new LocalStackError("StreamNotActive", `The stream ${StreamName} did not become active.`);
}
