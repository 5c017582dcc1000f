import type { Source } from "millrace";
import { Producer, type Savings, type Transport } from "millrace/producer";
import type { Accepted, FeedEvent, FeedOptions } from "./feed.ts";
import { whole, type Printer } from "./print.ts";

export interface PackedFeedOptions extends Pick<FeedOptions, "onAccepted" | "mayPut"> {
  readonly source: Source<unknown, unknown, unknown>;
  readonly transport: Transport;
  /** Events of a record, at most. */
  readonly pack: number;
}

export interface PackedFeed {
  readonly pushed: number;
  readonly savings: Savings;
}

/** Sends events so many at a time, and waits for all of them: what was accepted is told in the order of the stream. */
const AT_A_TIME = 5_000;

/** Positions of one record are told apart by so many digits behind its sequence number. */
const INDEX_DIGITS = 5;

/** Pushes events by the producer library, several in a record. */
export async function packedFeed(events: AsyncIterable<FeedEvent>, options: PackedFeedOptions): Promise<PackedFeed> {
  const { source, transport, pack, onAccepted, mayPut } = options;
  const producer = new Producer(
    source,
    {
      transport,
      now: () => performance.now(),
      random: Math.random,
      schedule: (millis, callback) => void setTimeout(callback, millis),
      newKey: () => String(Math.random()),
    },
    { packEvents: pack, linger: { millis: 20 } },
  );
  let pushed = 0;
  let batch: Promise<Accepted>[] = [];
  const settle = async (): Promise<void> => {
    await producer.flush();
    await onAccepted(withIndexes(await Promise.all(batch)));
    pushed += batch.length;
    batch = [];
  };
  for await (const { n, event } of events) {
    if (batch.length === 0) await mayPut?.(pushed);
    batch.push(
      producer.send(JSON.parse(event)).then(({ shardId, sequenceNumber }) => ({
        n,
        shard: shardId,
        sequence: sequenceNumber,
      })),
    );
    if (batch.length === AT_A_TIME) await settle();
  }
  if (batch.length > 0) await settle();
  await producer.close();
  return { pushed, savings: producer.savings() };
}

/** Events of one record come in the order in which they were sent. */
function withIndexes(accepted: readonly Accepted[]): readonly Accepted[] {
  const counts = new Map<string, number>();
  return accepted.map(({ n, shard, sequence }) => {
    const index = counts.get(sequence) ?? 0;
    counts.set(sequence, index + 1);
    return { n, shard, sequence: sequence + String(index).padStart(INDEX_DIGITS, "0") };
  });
}

/** What packing has saved, against one record an event. */
export function reportSavings(savings: Savings, printer: Printer): void {
  const { events, eventBytes, records, recordBytes, putUnits, putUnitsUnpacked, dollarsSaved } = savings;
  const times = (a: number, b: number) => `${(a / b).toFixed(1)} x fewer`;
  printer.fact("records", whole(records), `for ${whole(events)} events`);
  printer.fact("PUT units", whole(putUnits), `${times(putUnitsUnpacked, putUnits)}: $${dollarsSaved.toFixed(6)} saved`);
  printer.fact("bytes", whole(recordBytes), times(eventBytes, recordBytes));
}
