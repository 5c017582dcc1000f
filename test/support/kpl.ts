import { createHash } from "node:crypto";
import protobuf from "protobufjs";

// AWS: KPL aggregated record format, "Messages".
const { root } = protobuf.parse(`
  syntax = "proto2";
  message Tag { required string key = 1; optional string value = 2; }
  message Record {
    required uint64 partition_key_index = 1;
    optional uint64 explicit_hash_key_index = 2;
    required bytes data = 3;
    repeated Tag tags = 4;
  }
  message AggregatedRecord {
    repeated string partition_key_table = 1;
    repeated string explicit_hash_key_table = 2;
    repeated Record records = 3;
  }
`);

export interface KplRecord {
  readonly partitionKey: string;
  readonly explicitHashKey?: string;
  readonly data: string | Uint8Array;
  readonly tags?: readonly { readonly key: string; readonly value?: string }[];
}

/** An aggregated record as the KPL makes it, by a library that is not ours. */
export function aggregated(records: readonly KplRecord[]): Buffer {
  const type = root.lookupType("AggregatedRecord");
  const keys = [...new Set(records.map(({ partitionKey }) => partitionKey))];
  const hashKeys = [...new Set(records.flatMap(({ explicitHashKey }) => explicitHashKey ?? []))];
  const message = type.fromObject({
    partitionKeyTable: keys,
    explicitHashKeyTable: hashKeys,
    records: records.map(({ partitionKey, explicitHashKey, data, tags = [] }) => ({
      partitionKeyIndex: keys.indexOf(partitionKey),
      ...(explicitHashKey === undefined ? {} : { explicitHashKeyIndex: hashKeys.indexOf(explicitHashKey) }),
      data: Buffer.from(data as string),
      tags,
    })),
  });
  const bytes = type.encode(message).finish();
  return Buffer.concat([Buffer.from("f3899ac2", "hex"), bytes, createHash("md5").update(bytes).digest()]);
}

/** What an aggregated record holds, by the same library. */
export function opened(bytes: Buffer): readonly { partitionKey: string; data: string; tags: Record<string, string> }[] {
  const type = root.lookupType("AggregatedRecord");
  const message = type.toObject(type.decode(bytes.subarray(4, -16)), {
    bytes: Buffer,
    longs: Number,
    arrays: true,
  }) as {
    readonly partitionKeyTable: readonly string[];
    readonly records: readonly {
      readonly partitionKeyIndex: number;
      readonly data: Buffer;
      readonly tags?: readonly { readonly key: string; readonly value: string }[];
    }[];
  };
  return message.records.map(({ partitionKeyIndex, data, tags = [] }) => ({
    partitionKey: message.partitionKeyTable[partitionKeyIndex]!,
    data: data.toString(),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  }));
}
