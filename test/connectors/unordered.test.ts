import { Readable } from "node:stream";
import { s3Objects, sqsQueue } from "millrace";
import * as z from "zod";
import { continuation } from "../../lib/connectors/s3/notification.ts";
import { s3Source } from "../../lib/connectors/s3/source.ts";
import { sqsSource } from "../../lib/connectors/sqs/source.ts";
import { unorderedContract } from "./unordered-contract.ts";

const schema = z.object({ n: z.number() });

unorderedContract("an SQS queue", {
  connector: sqsSource,
  source: sqsQueue("queue", { schema }),
  bodyOf: (n) => JSON.stringify({ n }),
});

unorderedContract("objects of S3", {
  connector: s3Source,
  source: s3Objects("objects", { schema }),
  bodyOf: (n) => continuation({ bucket: "b", key: String(n), etag: `e${n}`, from: { line: 0, byte: 0 } }),
  // What is read of S3 is of test/connectors/s3-source.test.ts; here it is a line that follows from the key.
  aws: {
    of: () =>
      ({
        send: async ({ input: { Key } }: { readonly input: { readonly Key: string } }) =>
          Number.isInteger(Number(Key))
            ? { ETag: `"e${Key}"`, Body: Readable.from([Buffer.from(`{"n":${Key}}`)]) }
            : Promise.reject(Object.assign(new Error("gone"), { name: "NoSuchKey" })),
      }) as never,
  },
});
