import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import path from "node:path";
import { buildSync } from "esbuild";
import { functionNode } from "../../bench/harness/function-node.ts";
import { packagesOf } from "../../bench/harness/install.ts";
import { workDirectory } from "../../bench/harness/work.ts";
import { recordsByShard } from "../../lib/connectors/kinesis/event.ts";
import { ARN, type Seen } from "./seen.ts";

/**
 * `npm run test:runtime-client`: whether AWS's own runtime client, which Lambda's Node.js runtimes are made of, gives a handler
 * events that were left unparsed; and the same as ever where they were not.
 */
const here = import.meta.dirname;
const client = path.join(
  packagesOf("runtime-client", path.join(here, "client/package.json")),
  "node_modules/aws-lambda-ric",
);
const taskRoot = workDirectory("runtime-client");
const nativeHalf = path.join(taskRoot, "native-half.cjs");
const built = { bundle: true, platform: "node", target: "node22", logLevel: "silent" } as const;
buildSync({ ...built, entryPoints: [path.join(here, "native-half.ts")], format: "cjs", outfile: nativeHalf });
copyFileSync(nativeHalf, path.join(client, "rapid-client.node"));
buildSync({
  ...{ ...built, entryPoints: [path.join(here, "handler.ts")], format: "esm" },
  outfile: path.join(taskRoot, "index.mjs"),
});

const event = (...payloads: readonly string[]): string =>
  JSON.stringify({
    Records: payloads.map((payload, i) => ({
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: payload.slice(0, 3),
        sequenceNumber: `4957${String(i).padStart(52, "0")}`,
        data: Buffer.from(payload).toString("base64"),
        approximateArrivalTimestamp: 1_545_084_650.987 + i,
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `shardId-000000000000:4957${String(i).padStart(52, "0")}`,
      eventName: "aws:kinesis:record",
      invokeIdentityArn: "arn:aws:iam::000000000000:role/function",
      awsRegion: "us-east-1",
      eventSourceARN: ARN,
    })),
  });

const many = Array.from({ length: 1_000 }, (_, i) => `number ${i}`);
/** Events, and whether they are read by their text: the first one teaches, and a key with most escapes is parsed. */
const events: readonly (readonly [text: string, isUnparsed: boolean])[] = [
  [event("one"), false],
  [event("two", "three"), true],
  [event(...many), true],
  [event('a"b'), true],
  [event("\n"), false],
  [event("four"), true],
];

/** Lambda's runtime API, as far as the client needs it (AWS: Using the Lambda runtime API). */
let next = 0;
const answers = new Map<string | undefined, string>();
let finish: () => void;
const finished = new Promise<void>((resolve) => (finish = resolve));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "POST") {
    answers.set(request.url, await text(request));
    response.writeHead(202).end();
    if (answers.size === events.length) finish();
  } else if (next < events.length) {
    const headers = { "Lambda-Runtime-Aws-Request-Id": `r${next}`, "Lambda-Runtime-Deadline-Ms": "9999999999999" };
    response.writeHead(200, { ...headers, "Lambda-Runtime-Invoked-Function-Arn": "arn" }).end(events[next++]![0]);
  }
}
const server = createServer((request, response) => void serve(request, response));
server.listen(0, "127.0.0.1");
await once(server, "listening");

const child = spawn(functionNode(), ["--require", nativeHalf, path.join(client, "index.mjs")], {
  env: {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: "true",
    ...{ _HANDLER: "index.handler", LAMBDA_TASK_ROOT: taskRoot },
    ...{ AWS_LAMBDA_FUNCTION_NAME: "f", AWS_LAMBDA_FUNCTION_VERSION: "1", AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "1024" },
    ...{ AWS_LAMBDA_LOG_GROUP_NAME: "g", AWS_LAMBDA_LOG_STREAM_NAME: "s" },
  },
  stdio: "inherit",
});
const failed = once(child, "exit").then(([code]) => {
  throw new Error(`the runtime client has ended: ${String(code)}\n${JSON.stringify([...answers])}`);
});
await Promise.race([finished, failed]);
failed.catch(() => undefined);
child.kill();
server.closeAllConnections();
server.close();

for (const [i, [body, isUnparsed]] of events.entries()) {
  const answer = answers.get(`/2018-06-01/runtime/invocation/r${i}/response`);
  assert(answer !== undefined, `event ${i} has no answer: ${JSON.stringify([...answers])}`);
  const seen = JSON.parse(answer) as Seen;
  const parsed = JSON.parse(body) as { readonly Records: readonly unknown[] };
  assert.deepEqual(seen, { isUnparsed, shards: recordsByShard(parsed, ARN), records: parsed.Records });
}
console.log(`${events.length} events by aws-lambda-ric, ${events.filter(([, is]) => is).length} of them left unparsed`);
