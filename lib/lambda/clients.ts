import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** The services a function talks to. */
export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly firehose: FirehoseClient;
  readonly kinesis: KinesisClient;
}

/** A request that takes longer than this is given up and sent again. */
const REQUEST_TIMEOUT_MILLIS = 10_000;
const CONNECTION_TIMEOUT_MILLIS = 2_000;
const ATTEMPTS = 5;

/** Clients as the environment says: region, credentials, endpoints. One per execution environment. */
export function makeClients(): Clients {
  // HTTP/1.1 throughout: the Kinesis client's own handler speaks HTTP/2 only, which plain-http endpoints do not.
  const requestHandler = new NodeHttpHandler({
    requestTimeout: REQUEST_TIMEOUT_MILLIS,
    connectionTimeout: CONNECTION_TIMEOUT_MILLIS,
    // Without it the SDK only warns, and a request that hangs holds its task for as long as it likes.
    throwOnRequestTimeout: true,
  });
  const settings = { requestHandler, maxAttempts: ATTEMPTS };
  return {
    dynamodb: new DynamoDBClient(settings),
    // Path style is what every S3-compatible endpoint understands; on AWS itself the default stays.
    s3: new S3Client({ ...settings, forcePathStyle: process.env["AWS_ENDPOINT_URL_S3"] !== undefined }),
    sqs: new SQSClient(settings),
    firehose: new FirehoseClient(settings),
    kinesis: new KinesisClient(settings),
  };
}
