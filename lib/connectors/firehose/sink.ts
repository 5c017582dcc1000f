import { lazyWriter } from "../lazily.ts";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import type { LakeDeclaration } from "./declare.ts";

/** Delivers to a lake. Its address has `deliveryStream`, the name. */
export const lakeWriter: MakeWriter = (sink, address, services) => {
  const deliveryStream = fieldOf(address, "deliveryStream", `The lake "${sink.name}"`);
  const lake = sink as LakeDeclaration;
  return lazyWriter(async () => (await import("./writer.ts")).firehoseWriter(services, { lake, deliveryStream }));
};
