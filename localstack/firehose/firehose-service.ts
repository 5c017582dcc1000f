import { LocalStackError } from "../errors.ts";
import type { DeliverySettings } from "./delivery-settings.ts";
import type { DeliveryStream } from "./delivery-stream.ts";

/** AWS's limits of a call. */
const mostRecords = 500;
const mostCallBytes = 4 * 1024 * 1024;
const mostRecordBytes = 1_024_000;

/** The price counts each record in steps of this many bytes. */
const billedStep = 5 * 1024;

interface WireRecord {
  readonly Data?: string;
}

export interface PutInput {
  readonly DeliveryStreamName?: string;
  readonly Record?: WireRecord;
  readonly Records?: readonly WireRecord[];
}

/** What of Firehose's interface delivery needs; errors carry AWS's names as their codes. */
export class FirehoseService {
  records = 0;
  billedBytes = 0;
  private readonly streams: ReadonlyMap<string, DeliveryStream>;

  constructor(streams: readonly DeliveryStream[]) {
    this.streams = new Map(streams.map((stream) => [stream.settings.name, stream]));
  }

  call(operation: string, input: PutInput): Record<string, unknown> {
    switch (operation) {
      case "PutRecord":
        return this.putRecord(input);
      case "PutRecordBatch":
        return this.putRecordBatch(input);
      case "DescribeDeliveryStream":
        return this.describe(input);
      case "ListDeliveryStreams":
        return { DeliveryStreamNames: [...this.streams.keys()].sort(), HasMoreDeliveryStreams: false };
      default:
        throw new LocalStackError("UnknownOperationException", `The local stack's Firehose has no ${operation}`);
    }
  }

  /** How many rows each delivery stream has taken to be written, and how many it has written. */
  rows(): readonly { readonly name: string; readonly held: number; readonly written: number }[] {
    return [...this.streams].map(([name, { rows }]) => ({ name, ...rows }));
  }

  /** What is held already is written by the new settings too. */
  update(settings: readonly DeliverySettings[]): void {
    for (const one of settings) this.streams.get(one.name)?.update(one);
  }

  async flush(): Promise<void> {
    await Promise.all([...this.streams.values()].map((stream) => stream.flush()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.streams.values()].map((stream) => stream.stop()));
  }

  private putRecord(input: PutInput): Record<string, unknown> {
    const stream = this.stream(input);
    const data = dataOf(input.Record, "record.data");
    return { RecordId: this.take(stream, data), Encrypted: false };
  }

  private putRecordBatch(input: PutInput): Record<string, unknown> {
    const stream = this.stream(input);
    const records = input.Records ?? [];
    if (records.length < 1 || records.length > mostRecords) {
      const bound = records.length < 1 ? "greater than or equal to 1" : `less than or equal to ${mostRecords}`;
      throw invalid(`Value at 'records' failed to satisfy constraint: Member must have length ${bound}`);
    }
    const data = records.map((record, index) => dataOf(record, `records.${index + 1}.member.data`));
    const bytes = data.reduce((sum, { length }) => sum + length, 0);
    if (bytes > mostCallBytes) {
      throw new LocalStackError("InvalidArgumentException", `Records size exceeds 4 MB limit: ${bytes} bytes`);
    }
    return {
      FailedPutCount: 0,
      Encrypted: false,
      RequestResponses: data.map((one) => ({ RecordId: this.take(stream, one) })),
    };
  }

  private take(stream: DeliveryStream, data: Buffer): string {
    this.records += 1;
    this.billedBytes += Math.max(1, Math.ceil(data.length / billedStep)) * billedStep;
    return stream.put(data);
  }

  private describe(input: PutInput): Record<string, unknown> {
    const { name, arn } = this.stream(input).settings;
    return {
      DeliveryStreamDescription: {
        DeliveryStreamName: name,
        DeliveryStreamARN: arn,
        DeliveryStreamStatus: "ACTIVE",
        DeliveryStreamType: "DirectPut",
        VersionId: "1",
        Destinations: [],
        HasMoreDestinations: false,
      },
    };
  }

  private stream({ DeliveryStreamName = "" }: PutInput): DeliveryStream {
    const stream = this.streams.get(DeliveryStreamName);
    if (stream === undefined) {
      throw new LocalStackError(
        "ResourceNotFoundException",
        `Firehose ${DeliveryStreamName} under account 000000000000 not found.`,
      );
    }
    return stream;
  }
}

function dataOf(record: WireRecord | undefined, path: string): Buffer {
  if (typeof record?.Data !== "string")
    throw invalid(`Value null at '${path}' failed to satisfy constraint: Member must not be null`);
  const data = Buffer.from(record.Data, "base64");
  if (data.length > mostRecordBytes) {
    throw invalid(
      `Value at '${path}' failed to satisfy constraint: Member must have length less than or equal to ${mostRecordBytes}`,
    );
  }
  return data;
}

function invalid(detail: string): LocalStackError {
  return new LocalStackError("ValidationException", `1 validation error detected: ${detail}`);
}
