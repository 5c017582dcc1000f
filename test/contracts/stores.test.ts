import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { MemoryChangelog, MemoryObjects } from "millrace/testing";
import { afterAll, describe } from "vitest";
import { DynamoChangelog } from "../../lib/dynamodb/changelog.ts";
import { S3Objects } from "../../lib/s3/objects.ts";
import { createChangelogTable, startDynamoDb, startS3 } from "../support/emulators.ts";
import { changelogContract } from "./changelog.ts";
import { objectsContract } from "./objects.ts";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };

changelogContract("memory", async () => new MemoryChangelog());
objectsContract("memory", async () => new MemoryObjects());

describe("on emulators", async () => {
  const dynamo = await startDynamoDb();
  const s3 = await startS3();
  afterAll(() => Promise.all([dynamo.stop(), s3.stop()]));
  const client = new DynamoDBClient({ endpoint: dynamo.endpoint, region: "us-east-1", credentials });
  await createChangelogTable(client);
  const bucketClient = new S3Client({ endpoint: s3.endpoint, region: "us-east-1", credentials, forcePathStyle: true });
  await bucketClient.send(new CreateBucketCommand({ Bucket: "state" }));

  changelogContract("DynamoDB", async () => new DynamoChangelog(client, "changelog"));
  objectsContract("S3", async () => new S3Objects(bucketClient, "state"));
});
