import { EventBus, type IEventBus } from "aws-cdk-lib/aws-events";
import type { Construct } from "constructs";
import type { CheckedSink, Place } from "../provisioned.ts";

/** An event bus that a pipeline puts events on. */
export interface EventBusSettings {
  /** The bus that is there already. @default one is made */
  readonly existing?: Pick<IEventBus, "eventBusArn">;
}

/** An event bus as what a stage writes its rows to. */
export const checkEventBus = (name: string, { existing }: EventBusSettings): CheckedSink => ({
  name,
  provision(scope, place) {
    const { eventBusArn } = existing ?? newBus(scope, name, place);
    return {
      name,
      address: { eventBus: eventBusArn },
      grants: [{ sid: "PutEvents", actions: ["events:PutEvents"], resources: [eventBusArn] }],
      keyArns: [], // a bus uses its key itself
      announced: [{ name: "EventBusArn", value: eventBusArn, description: "Event bus" }],
      exceptions: [],
    };
  },
});

function newBus(scope: Construct, name: string, { encryptionKey, removalPolicy }: Place): EventBus {
  const bus = new EventBus(scope, name, { ...(encryptionKey && { kmsKey: encryptionKey }) });
  bus.applyRemovalPolicy(removalPolicy);
  return bus;
}
