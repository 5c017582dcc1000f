import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
} from "@aws-sdk/client-cloudformation";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { makeClients, type Clients } from "../clients.ts";
import { emptyBucket } from "../../localstack/emulator/objects.ts";
import { startMinistack } from "../../localstack/emulator/ministack.ts";
import { installMinistack } from "../../localstack/emulator/python.ts";
import { startLocalStack } from "../../localstack/index.ts";
import { makeRunDirectory } from "../../localstack/start/run-directory.ts";
import type { Place } from "./probe.ts";
import { TEMPLATE } from "./stack.ts";

const HOME = fileURLToPath(new URL("../../.millrace/", import.meta.url));
const SECONDS_FOR_A_STACK = 600;
const ATTEMPTS_TO_DELETE = 3;

/** Where the probes run, with their stack. */
export interface Opened {
  readonly place: Place;
  readonly clients: Clients;
  /** Deletes everything. */
  close(): Promise<void>;
}

/**
 * AWS, or whatever `AWS_ENDPOINT_URL` leads to: a stack made by CloudFormation, in the account and region of the
 * environment.
 *
 * @param told what it is doing
 */
export async function openByCloudFormation(name: string, told: (text: string) => void): Promise<Opened> {
  const cloudformation = new CloudFormationClient({ requestHandler: new NodeHttpHandler() });
  const clients = makeClients();
  const stack = { StackName: name };
  const wait = { client: cloudformation, maxWaitTime: SECONDS_FOR_A_STACK, minDelay: 1, maxDelay: 5 };
  const outputs = async (): Promise<Partial<Place>> => {
    const { Stacks } = await cloudformation.send(new DescribeStacksCommand(stack));
    return Object.fromEntries(
      (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey!, OutputValue!]),
    );
  };
  const close = async (): Promise<void> => {
    told(`deleting the stack ${name}`);
    const { bucket } = await outputs().catch((): Partial<Place> => ({}));
    // What Firehose has in its buffers becomes an object later, and a bucket with objects is not deleted: then once more.
    for (let attempt = 1; ; attempt++) {
      if (bucket !== undefined) await emptyBucket(clients.s3, bucket).catch(() => undefined); // it may be gone
      await cloudformation.send(new DeleteStackCommand(stack));
      try {
        await waitUntilStackDeleteComplete(wait, stack);
        break;
      } catch (error) {
        if (attempt === ATTEMPTS_TO_DELETE) throw error;
      }
    }
    cloudformation.destroy();
    for (const client of Object.values(clients) as Clients[keyof Clients][]) client.destroy();
  };
  told(`making the stack ${name}`);
  await cloudformation.send(
    new CreateStackCommand({ ...stack, TemplateBody: JSON.stringify(TEMPLATE), Capabilities: ["CAPABILITY_IAM"] }),
  );
  try {
    await waitUntilStackCreateComplete(wait, stack);
    return { place: (await outputs()) as Place, clients, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** ministack, started here. */
export async function openMinistack(name: string, told: (text: string) => void, signal: AbortSignal): Promise<Opened> {
  told("starting ministack");
  const { python } = await installMinistack(HOME, signal);
  const ministack = await startMinistack(python, path.join(await makeRunDirectory(HOME, new Date()), "ministack"));
  try {
    setEnvironment({ AWS_ENDPOINT_URL: ministack.endpoint, AWS_ENDPOINT_URL_S3: ministack.endpoint });
    const opened = await openByCloudFormation(name, told);
    return { ...opened, close: () => ministack.stop() };
  } catch (error) {
    await ministack.stop();
    throw error;
  }
}

/** The local stack of `npm start`. */
export async function openLocalStack(told: (text: string) => void): Promise<Opened> {
  told("starting the local stack");
  const directory = await makeRunDirectory(HOME, new Date());
  const template = path.join(directory, "probe.template.json");
  await mkdir(directory, { recursive: true });
  await writeFile(template, JSON.stringify(TEMPLATE));
  const stack = await startLocalStack({ templates: [template], dataDirectory: path.join(directory, "stack") });
  setEnvironment(stack.environment);
  return { place: stack.outputs as unknown as Place, clients: makeClients(), close: () => stack.stop() };
}

const setEnvironment = (variables: Readonly<Record<string, string>>): void => {
  Object.assign(process.env, {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    ...variables,
  });
};
