import type { IStream } from "aws-cdk-lib/aws-kinesis";
import { refuseSetting } from "../limits.ts";
import type { CheckedSink } from "../provisioned.ts";
import { streamPlace } from "../replication/copied-place.ts";
import { provisionPositions, regionOf, type PositionSettings } from "../replication/copy-table.ts";
import type { StreamCopyDeclaration } from "./declare.ts";

/** A stream that a pipeline copies to; it is there already, in whatever region. */
export interface StreamCopySettings extends PositionSettings {
  /** Of another region or account: `Stream.fromStreamArn`. What encrypts it, where that is a key of one's own, must be known of it. */
  readonly stream: IStream;
}

/** @param what names the copy in errors @throws definition error `provision/refused` */
export function checkStreamCopy(
  what: string,
  { name, oneWay }: StreamCopyDeclaration,
  settings: StreamCopySettings | undefined,
): CheckedSink {
  if (settings === undefined) throw refuseSetting(what, "left out", "Say which stream records are copied to.");
  const { stream, endpoints = {} } = settings;
  return {
    name,
    provision(scope, place) {
      const positions = provisionPositions(scope, name, place, settings);
      const region = regionOf(scope, stream, stream.streamArn);
      const { streamArn, encryptionKey } = stream;
      return {
        name,
        address: {
          streamArn,
          ...(region !== undefined && { region }),
          ...(endpoints.kinesis !== undefined && { kinesisEndpoint: endpoints.kinesis }),
          ...positions.address,
        },
        grants: [{ sid: "PutCopies", actions: ["kinesis:PutRecords"], resources: [streamArn] }, ...positions.grants],
        keyArns: [...(encryptionKey === undefined ? [] : [encryptionKey.keyArn]), ...positions.keyArns],
        announced: [
          { name: "StreamArn", value: streamArn, description: "Stream" },
          { name: "PositionsTable", value: positions.table.tableName, description: "Table of the positions" },
        ],
        exceptions: [],
        copy: { to: streamPlace(stream), oneWay },
      };
    },
  };
}
