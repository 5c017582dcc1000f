import type { CheckedSink } from "../provisioned.ts";
import { keyExceptions, provisionStream } from "./provision-stream.ts";
import type { CheckedStream } from "./stream-settings.ts";

/** A stream as what a stage writes its rows to. */
export const kinesisOutput = (name: string, checked: CheckedStream): CheckedSink => ({
  name,
  provision(scope, place) {
    const stream = provisionStream(scope, name, checked, place);
    const { streamName, streamArn, encryptionKey } = stream;
    return {
      name,
      address: { stream: streamName },
      grants: [{ sid: "PutRows", actions: ["kinesis:PutRecords"], resources: [streamArn] }],
      keyArns: encryptionKey === undefined ? [] : [encryptionKey.keyArn],
      announced: [
        { name: "Stream", value: streamName, description: "Stream" },
        { name: "StreamArn", value: streamArn, description: "Stream" },
      ],
      exceptions: keyExceptions(stream, checked, place),
    };
  },
});
