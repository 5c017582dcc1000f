import { lazyPartitions } from "../lazily.ts";
import { fieldOf } from "../services.ts";
import type { SourceConnector } from "../source-connector.ts";
import { isKinesisEvent, recordsByShard } from "./event.ts";
import { parseEvent } from "./unparsed-event.ts";

const ARN = "streamArn";
const WHAT = "The source's stream";

/** A Kinesis data stream, of a source or between stages. Its address has `stream`, the name, `streamArn`, and perhaps `startAt`, epoch seconds. */
export const kinesisSource: SourceConnector = {
  parseEvent,
  isEvent: isKinesisEvent,
  recordsOf: (event, address) =>
    recordsByShard(event as { readonly Records: readonly unknown[] }, fieldOf(address, ARN, WHAT)),
  itemOf: ({ records }) => records[0]!.position.sequence,
  partitions(address, services) {
    const { startAt } = address;
    const of = { streamArn: fieldOf(address, ARN, WHAT), ...(startAt !== undefined && { startAt: Number(startAt) }) };
    return lazyPartitions(async () => (await import("./asked.ts")).kinesisPartitions(services, of));
  },
};
