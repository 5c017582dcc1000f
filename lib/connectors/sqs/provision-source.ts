import type { CheckedSource } from "../provisioned.ts";
import { SQS, type SqsDeclaration } from "./declare-source.ts";
import { checkReading, makeQueue, withoutOrder, type QueueReading, type ReadQueueSettings } from "./read-queue.ts";

/** A queue that a pipeline reads. */
export type SqsQueueSettings = ReadQueueSettings;

/** A queue as what a stage reads. @throws definition errors naming the limit and the value given */
export function sqsInput({
  source,
  ...reading
}: Omit<QueueReading, "isFifo"> & { readonly source: SqsDeclaration }): CheckedSource {
  const checked = checkReading({ ...reading, isFifo: source.isFifo });
  return {
    connector: SQS,
    ...withoutOrder(checked),
    provision(scope, name, place) {
      const made = makeQueue(scope, name, checked, place);
      const { queue, setAside, grants, keyArns, exceptions } = made;
      const { queueArn, queueUrl } = queue;
      return {
        address: { queueArn, queueUrl },
        grants,
        keyArns,
        announced: [
          { name: "QueueUrl", value: queueUrl, description: "Queue" },
          { name: "QueueArn", value: queueArn, description: "Queue" },
          ...(setAside === undefined
            ? []
            : [{ name: "SetAsideQueueUrl", value: setAside.queueUrl, description: "What was set aside" }]),
        ],
        exceptions,
        records: { construct: queue, arn: queueArn },
        stream: undefined,
        isBilledByPut: false,
        queue: { queue, setAside, ageSeconds: checked.ageSeconds },
        map: (within, id, target) => made.map(within, id, target),
      };
    },
  };
}
