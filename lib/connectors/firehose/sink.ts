import { FirehoseClient } from "@aws-sdk/client-firehose";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import type { LakeDeclaration } from "./declare.ts";
import { FirehoseWriter } from "./deliver.ts";

/** Delivers to a lake. Its address has `deliveryStream`, the name. */
export const lakeWriter: MakeWriter = (sink, address, { aws, wait }) =>
  new FirehoseWriter({
    client: aws.of(FirehoseClient),
    lake: sink as LakeDeclaration,
    deliveryStream: fieldOf(address, "deliveryStream", `The lake "${sink.name}"`),
    wait,
  });
