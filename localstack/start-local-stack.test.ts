import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { describe, expect, it } from "vitest";
import { functionResource, settled, temporaryStack } from "./testing/temporary-stack.ts";

const template = {
  Resources: {
    Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "events", ShardCount: 1 } },
    Function: functionResource("sleepy", { Timeout: 60 }),
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        EventSourceArn: { "Fn::GetAtt": ["Stream", "Arn"] },
        FunctionName: { Ref: "Function" },
        StartingPosition: "TRIM_HORIZON",
      },
    },
    Queue: { Type: "AWS::SQS::Queue" },
    Cluster: { Type: "AWS::MSK::Cluster" },
    Role: { Type: "AWS::IAM::Role" },
  },
  Outputs: { Name: { Value: { "Fn::Sub": "${Stream}-${AWS::Region}" } } },
};

const sleepy = {
  "index.mjs":
    'export const handler = async (e) => { if (Buffer.from(e.Records[0].kinesis.data, "base64").toString() === "hang") for (;;); };',
};

/** Processes below this one whose command line names the directory. */
function processesOf(directory: string): readonly string[] {
  return execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(directory) && !line.includes("ps -eo"));
}

function isOpen(origin: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(origin).port), "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

describe("The local stack", () => {
  it("starts what the template describes, names aloud what it cannot, and leaves nothing when it stops", async () => {
    const temporary = await temporaryStack(template, { sleepy });
    const { stack, directory, notices } = temporary;
    const kinesis = new KinesisClient({
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      endpoint: stack.endpoints.kinesis,
    });
    try {
      expect(stack.outputs).toEqual({ Name: "events-us-east-1" });
      expect(notices.map(({ text }) => text)).toEqual([
        "Cluster is not run: the local stack knows no AWS::MSK::Cluster",
      ]);
      expect(stack.environment).toMatchObject({
        AWS_ENDPOINT_URL_KINESIS: stack.endpoints.kinesis,
        AWS_REGION: "us-east-1",
      });
      expect(await stack.lag()).toEqual({
        recordsBehind: 0,
        inFlight: 0,
        hiddenMessages: 0,
        delayedMessages: 0,
        visibleMessages: 0,
      });
      await kinesis.send(new PutRecordCommand({ StreamName: "events", PartitionKey: "k", Data: Buffer.from("fine") }));
      await settled(stack);
      await kinesis.send(new PutRecordCommand({ StreamName: "events", PartitionKey: "k", Data: Buffer.from("hang") }));
      expect(await stack.lag()).toMatchObject({ recordsBehind: 1 });
      expect(processesOf(directory).length).toBe(3);
      if (existsSync("/proc/self/net/tcp")) expect(listeningElsewhere(directory)).toEqual([]);
    } finally {
      // An invocation that never ends is under way.
      await stack.stop();
    }
    expect(processesOf(directory)).toEqual([]);
    for (const origin of Object.values(stack.endpoints)) expect(await isOpen(origin)).toBe(false);
    kinesis.destroy();
    await temporary.remove();
  });

  it("starts no server when a template cannot be run, and says why", async () => {
    const twoAtATime = {
      Resources: {
        ...template.Resources,
        Mapping: {
          ...template.Resources.Mapping,
          Properties: { ...template.Resources.Mapping.Properties, ParallelizationFactor: 2 },
        },
      },
    };
    await expect(temporaryStack(twoAtATime, { sleepy })).rejects.toThrow("ParallelizationFactor is above 1");
    await expect(temporaryStack(template, {})).rejects.toThrow("cdk synth");
    const badName = { Resources: { Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "map" } } } };
    await expect(temporaryStack(badName)).rejects.toThrow("give it another name");
  });
});

/** Sockets of this process and the stack's that listen on another address than 127.0.0.1 (Linux). */
function listeningElsewhere(directory: string): readonly string[] {
  const pids = [String(process.pid), ...processesOf(directory).map((line) => line.trim().split(" ")[0] ?? "")];
  const inodes = new Set<string>();
  for (const pid of pids) {
    for (const file of readdirSync(`/proc/${pid}/fd`)) {
      try {
        inodes.add(execFileSync("readlink", [`/proc/${pid}/fd/${file}`], { encoding: "utf8" }).trim());
      } catch {
        // Closed meanwhile.
      }
    }
  }
  const found: string[] = [];
  for (const table of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    for (const line of existsSync(table) ? readFileSync(table, "utf8").split("\n").slice(1) : []) {
      const [, local = "", , state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
      const listens = state === "0A" && inodes.has(`socket:[${inode}]`);
      if (listens && !local.startsWith("0100007F:")) found.push(local);
    }
  }
  return found;
}
