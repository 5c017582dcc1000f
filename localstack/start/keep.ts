import { placeOf } from "../../tools/dead-letters/place.ts";
import { statePlaceOf } from "../../tools/state/place.ts";
import type { LocalStack } from "../types.ts";
import type { Deployment } from "./deployment.ts";
import type { FeedEvent } from "./feed.ts";
import type { Interrupt } from "./interrupt.ts";
import { MetricReader } from "./metrics.ts";
import { whole, type Printer } from "./print.ts";

/** Says where everything is, and stays until Ctrl-C. */
export async function keep(
  deployment: Deployment,
  example: FeedEvent,
  interrupt: Interrupt,
  printer: Printer,
): Promise<void> {
  const { stack, source } = deployment;
  printer.section("The stack stays up; Ctrl-C ends it");
  for (const [service, origin] of Object.entries(stack.endpoints)) printer.fact(service, origin);
  printer.line();
  printer.line("  For the AWS CLI and SDKs:");
  printer.line();
  for (const [name, value] of Object.entries(stack.environment)) printer.line(`export ${name}=${value}`);
  printer.line();
  printer.line("  Push an event. The input has ended here, so that the event is late, and is counted below:");
  printer.line();
  printer.line(putCommand(stack, source.stream, example));
  printer.line();
  printer.line("  Read the dead letters, and give them back (docs/operations.md); the variables above must be set:");
  printer.line();
  const letters = lettersOptions(stack, deployment.pipeline.name);
  printer.line(`npm run dead-letters -- list ${letters}`);
  printer.line(`npm run dead-letters -- redrive --all ${letters}`);
  printer.line();
  printer.line("  See what takes the room in the state, likewise:");
  printer.line();
  printer.line(`npm run state -- largest ${stateOptions(stack, deployment.pipeline.name)}`);
  printer.line();
  let shown = "";
  for (;;) {
    const metrics = new MetricReader(stack.metrics());
    const [records, late, dead] = ["RecordsIn", "RecordsLate", "RecordsDead"].map((name) => whole(metrics.sum(name)));
    const state = `in ${records} · late ${late} · dead ${dead}`;
    if (state !== shown) printer.line(`  ${state}`);
    shown = state;
    await interrupt.sleep(500);
  }
}

/** Where the command that reads dead letters finds them: on AWS it reads the stack's outputs itself. */
function lettersOptions({ outputs }: LocalStack, pipeline: string): string {
  const { queueUrl, bucket, stages } = placeOf(outputs, pipeline);
  const stageOptions = stages.flatMap(({ tasks, controlQueueUrl }) => [
    `--control-queue ${controlQueueUrl}`,
    `--tasks ${tasks}`,
  ]);
  return [`--queue ${queueUrl}`, `--bucket ${bucket}`, ...stageOptions].join(" ");
}

/** Where the command that reads state finds it. */
function stateOptions({ outputs }: LocalStack, pipeline: string): string {
  const { table, bucket, stages } = statePlaceOf(outputs, pipeline);
  const stageOptions = stages.flatMap(({ tasks, streamArn }) => [`--stream ${streamArn}`, `--tasks ${tasks}`]);
  return [`--table ${table}`, `--bucket ${bucket}`, ...stageOptions].join(" ");
}

/** A line for a shell that has curl and nothing else. The emulator wants a signature to be there, not to be right. */
function putCommand(stack: LocalStack, stream: string, { partitionKey, event }: FeedEvent): string {
  const body = JSON.stringify({
    StreamName: stream,
    PartitionKey: partitionKey,
    Data: Buffer.from(event).toString("base64"),
  });
  const headers = [
    "X-Amz-Target: Kinesis_20131202.PutRecord",
    "Content-Type: application/x-amz-json-1.1",
    "X-Amz-Date: 20260101T000000Z",
    "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=local",
  ];
  return `curl ${stack.endpoints.kinesis} ${headers.map((header) => `-H '${header}'`).join(" ")} -d '${body.replaceAll("'", `'\\''`)}'`;
}
