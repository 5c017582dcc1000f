import { fieldOf } from "../services.ts";
import { BytesRecord } from "../unordered-bytes.ts";
import type { UnorderedConnector } from "../unordered-connector.ts";
import { isEventOf, messagesIn, type IncomingMessage } from "./messages.ts";
import { workOff } from "./work-off.ts";

const WHAT = "The source's queue";

/** An SQS queue. Its address has `queueArn` and `queueUrl`. */
export const sqsSource: UnorderedConnector = {
  isEvent: (event, address) => isEventOf(event, fieldOf(address, "queueArn", WHAT)),
  work(event, work) {
    const queueArn = fieldOf(work.address, "queueArn", WHAT);
    const messages = messagesIn(event as { readonly Records: readonly unknown[] }, queueArn);
    return workOff(messages, work, async (some, isSuspect) => {
      const records = some.map(recordOf);
      const { runtime } = work;
      const { again, cause } = await (isSuspect ? runtime.suspect(records[0]!) : runtime.records(records));
      if (cause !== undefined) work.failed(`${again.size} of ${some.length} messages`, cause);
      return records.filter((record) => again.has(record)).map(({ partitionKey }) => partitionKey);
    });
  },
};

const recordOf = ({ id, body, sent, group }: IncomingMessage): BytesRecord =>
  new BytesRecord(Buffer.from(body), { id, arrival: sent, group });
