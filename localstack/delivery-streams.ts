import { join } from "node:path";
import type { Clock } from "./clock.ts";
import { deliverySettings, type DeliverySettings } from "./firehose/delivery-settings.ts";
import { DeliveryStream } from "./firehose/delivery-stream.ts";
import { FirehoseService } from "./firehose/firehose-service.ts";
import { compileEntry, siblingFile } from "./processes/compile-entry.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Services } from "./services.ts";
import type { ResolvedResource } from "./template/resolve-template.ts";
import type { Notice } from "./types.ts";

export type { FirehoseService };

export interface DeliveryStreamsOptions {
  readonly dataDirectory: string;
  readonly services: Services;
  readonly clock: Clock;
  readonly timeScale: number;
  readonly activePartitions: number | undefined;
  readonly metrics: Metrics;
  readonly onNotice: (notice: Notice) => void;
}

export const deliveryStreamSettings = (resources: readonly ResolvedResource[]): readonly DeliverySettings[] =>
  resources
    .filter(({ type }) => type === "AWS::KinesisFirehose::DeliveryStream")
    .map((resource) => deliverySettings(resource, resources));

/** All delivery streams of the templates; they write to S3 past its gateway, and are counted there. */
export function startDeliveryStreams(
  resources: readonly ResolvedResource[],
  options: DeliveryStreamsOptions,
): FirehoseService {
  const { services, clock, timeScale, activePartitions, metrics, onNotice } = options;
  const settings = deliveryStreamSettings(resources);
  for (const { name, conversion } of settings) {
    if (conversion?.standsForOrc === true)
      onNotice({ level: "warning", text: `${name}: AWS writes ORC; the local stack cannot, and writes Parquet` });
  }
  const converts = settings.some(({ conversion }) => conversion !== undefined);
  const source = siblingFile(import.meta.url, "./firehose/conversion-entry");
  const conversionEntry = converts ? compileEntry(source, join(options.dataDirectory, "entries"), "bundle") : source;
  const commits = settings.some(({ iceberg }) => iceberg !== undefined);
  const commitSource = siblingFile(import.meta.url, "./firehose/iceberg/commit-entry");
  const commitEntry = commits
    ? compileEntry(commitSource, join(options.dataDirectory, "entries"), "bundle")
    : commitSource;
  const context = { clock, timeScale, conversionEntry, commitEntry, metrics, onNotice };
  const putObject = (bucket: string, key: string, body: Buffer) => {
    services.storage.objects.putObject(bucket, key, body, "application/octet-stream");
    services.gateways.s3.count("PutObject", body.length, 0);
  };
  const quotas = activePartitions === undefined ? {} : { activePartitions };
  return new FirehoseService(settings.map((one) => new DeliveryStream(one, { ...context, ...quotas, putObject })));
}
