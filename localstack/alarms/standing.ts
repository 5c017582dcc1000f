import type { EventSources } from "../event-sources.ts";
import type { FirehoseService } from "../firehose/firehose-service.ts";
import type { Services } from "../services.ts";
import { Ages } from "./ages.ts";
import type { Gauge } from "./alarm-clock.ts";

export interface StandingParts {
  readonly services: Pick<Services, "storage">;
  readonly firehose: Pick<FirehoseService, "rows">;
  readonly eventSources: Pick<EventSources, "progress">;
}

/**
 * What AWS measures although nothing happens: the depth of queues, the age of what waits in streams and delivery streams.
 * Ages are those of the alarms' clock, and there are none of what does not wait.
 */
export function standing({ services, firehose, eventSources }: StandingParts) {
  const ages = new Ages();
  const age = (minute: number, entry: { wentIn: number; cameOut: number; unit: number } & Omit<Gauge, "valueAt">) => {
    const { wentIn, cameOut, unit, ...metric } = entry;
    const since = ages.oldestSince(JSON.stringify(metric), wentIn, cameOut, minute);
    return since === undefined ? [] : [{ ...metric, valueAt: (at: number) => (at - since) * unit }];
  };
  return async (minute: number): Promise<readonly Gauge[]> => [
    ...(await services.storage.queueCounts()).map(({ name, approximateMessageCount }) => ({
      ...{ namespace: "AWS/SQS", name: "ApproximateNumberOfMessagesVisible", dimensions: { QueueName: name } },
      valueAt: () => approximateMessageCount,
    })),
    ...eventSources.progress().flatMap(({ functionName, put, done }) =>
      age(minute, {
        ...{ namespace: "AWS/Lambda", name: "IteratorAge", dimensions: { FunctionName: functionName } },
        ...{ wentIn: put, cameOut: done, unit: MILLIS_PER_MINUTE },
      }),
    ),
    ...firehose.rows().flatMap(({ name, held, written }) =>
      age(minute, {
        ...{ namespace: "AWS/Firehose", name: "DeliveryToS3.DataFreshness" },
        ...{ dimensions: { DeliveryStreamName: name }, wentIn: held, cameOut: written, unit: SECONDS_PER_MINUTE },
      }),
    ),
  ];
}

const SECONDS_PER_MINUTE = 60;
const MILLIS_PER_MINUTE = 60_000;
