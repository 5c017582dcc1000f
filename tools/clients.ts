import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { awsClients } from "../lib/lambda/clients.ts";

/** The services that tools talk to. */
export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly firehose: FirehoseClient;
  readonly kinesis: KinesisClient;
}

/** With the time-outs and attempts that functions have. */
export function makeClients(): Clients {
  const clients = awsClients();
  return {
    dynamodb: clients.of(DynamoDBClient),
    s3: clients.of(S3Client),
    sqs: clients.of(SQSClient),
    firehose: clients.of(FirehoseClient),
    kinesis: clients.of(KinesisClient),
  };
}
