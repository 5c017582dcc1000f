import { recordsByShard } from "../../lib/connectors/kinesis/event.ts";
import { parseEvent, recordsRead } from "../../lib/connectors/kinesis/unparsed-event.ts";
import { parseEventsWith } from "../../lib/lambda/event-parser.ts";
import { ARN, type Seen } from "./seen.ts";

parseEventsWith(parseEvent);

interface KinesisEvent {
  readonly Records: readonly unknown[];
}

/** What a handler sees of an event; in this order, as whoever asks for an event's records has them parsed. */
export const handler = (event: KinesisEvent): Promise<Seen> => {
  const isUnparsed = recordsRead(event) !== undefined;
  const shards = recordsByShard(event, ARN);
  return Promise.resolve({ isUnparsed, shards, records: event.Records });
};
