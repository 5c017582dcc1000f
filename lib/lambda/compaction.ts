import { S3Client } from "@aws-sdk/client-s3";
import { Logger } from "@aws-lambda-powertools/logger";
import type { Context } from "aws-lambda";
import { compactLake, type CompactedLake } from "../connectors/firehose/compaction/compact.ts";
import { S3LakeFiles } from "../connectors/firehose/compaction/s3-files.ts";

/** What the function is told by its environment. */
interface Settings {
  readonly bucket: string;
  readonly closedAfterMillis: number;
  readonly largest: number;
}

/** What the last merge may take, with all its requests. */
const LAST_MERGE_MILLIS = 180_000;

const endpoint = process.env["AWS_ENDPOINT_URL_S3"];
const client = new S3Client({ maxAttempts: 5, forcePathStyle: endpoint !== undefined });
const logger = new Logger();

/** Compacts one lake, which the schedule names. Files alone say what is to be done: it may be sent twice, or at the same time. */
export async function handler(lake: CompactedLake, context: Context): Promise<void> {
  const { bucket, ...settings } = JSON.parse(process.env["MILLRACE_COMPACTION"]!) as Settings;
  await compactLake(lake, {
    ...settings,
    files: new S3LakeFiles(client, bucket),
    now: Date.now,
    hasTime: () => context.getRemainingTimeInMillis() > LAST_MERGE_MILLIS,
    log: (event, details) => logger.info(event, details),
  });
}
