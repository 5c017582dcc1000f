import { expect } from "vitest";
import { recordsByShard } from "../../../lib/connectors/kinesis/event.ts";
import { parseEvent } from "../../../lib/connectors/kinesis/unparsed-event.ts";

export const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events";
export const parse = (text: string): unknown => JSON.parse(text);

export interface Values {
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly data: string;
  readonly approximateArrivalTimestamp: number;
  readonly shard: string;
}

/** As Lambda has it. */
export const recordOf = ({ shard, ...kinesis }: Values, others: object = {}) => ({
  kinesis: { kinesisSchemaVersion: "1.0", ...kinesis },
  eventSource: "aws:kinesis",
  eventVersion: "1.0",
  eventID: `${shard}:${kinesis.sequenceNumber}`,
  eventName: "aws:kinesis:record",
  invokeIdentityArn: "arn:aws:iam::000000000000:role/a+b",
  awsRegion: "us-east-1",
  eventSourceARN: ARN,
  ...others,
});

export const SHARDS = ["shardId-000000000000", "shardId-000000000001"];

export const known = recordOf({
  ...{ partitionKey: "a", sequenceNumber: "1", data: "", approximateArrivalTimestamp: 1 },
  shard: "s",
});

/** What something comes to, or what it says is wrong. */
export function outcome<T>(make: () => T): { readonly value: T } | { readonly error: string } {
  try {
    return { value: make() };
  } catch (thrown) {
    return { error: String(thrown) };
  }
}

export const parsed = (text: string) => outcome(() => parse(text));
export const sorted = (event: unknown) => outcome(() => recordsByShard(event as { Records: unknown[] }, ARN));

export const event = (...values: readonly Partial<Values>[]) =>
  JSON.stringify({
    Records: values.map((some, i) =>
      recordOf({
        ...{
          partitionKey: "a",
          sequenceNumber: String(i + 1),
          data: "aGk=",
          approximateArrivalTimestamp: 1_545_084_650.987,
        },
        ...{ shard: SHARDS[0]!, ...some },
      }),
    ),
  });

/** As a handler does of the first event; of another stream before, so that nothing is left of what was before. */
export function learn(text: string, arn = ARN): void {
  for (const one of ["another", arn])
    recordsByShard(JSON.parse(text.replaceAll(arn, one)) as { Records: unknown[] }, one);
}

/** A parser that is not needed. */
export const none = (): unknown => {
  throw new Error("parsed");
};

/** What these texts come to, one after the other, is what each comes to by itself. */
export function expectAsJson(...all: readonly string[]): void {
  learn(event({}));
  for (const text of all) {
    const read = outcome(() => parseEvent(text, parse));
    // Before its records are looked at.
    if ("value" in read) expect(sorted(read.value)).toEqual(sorted(parse(text)));
    expect(read).toStrictEqual(parsed(text));
  }
}
