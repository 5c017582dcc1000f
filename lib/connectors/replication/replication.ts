import { definitionError } from "../../errors.ts";
import { pipeline } from "../../pipeline/pipeline.ts";
import type { Sink } from "../../pipeline/sink.ts";
import type { Source } from "../../pipeline/source.ts";
import type { Stream } from "../../pipeline/stream.ts";
import type { Pipeline } from "../../pipeline/topology.ts";
import type { CopyDeclaration } from "../stream-copy/declare.ts";
import type { RawRecord } from "./raw-record.ts";

/** What is copied from where to where. */
export interface Route {
  /** Of {@link kinesisRecords} or {@link kafkaRecords}. */
  readonly from: Source<RawRecord, never, never>;
  /** Of {@link streamCopy} or {@link topicCopy}. */
  readonly to: Sink<RawRecord> & CopyDeclaration;
  /** Which records. Pure. @default all */
  readonly where?: (record: RawRecord) => boolean;
  /**
   * Whether copies are copied on: so that what is produced in one cluster comes to a third through a second. Where each copies to
   * each it would come there more than once. @default true
   */
  readonly forward?: boolean;
}

/** What comes after a sink's name, in names of operators. */
const NAME = 50;

/**
 * A pipeline that copies streams and topics to another cluster: keys, values and headers as they are, in the order of each key. A
 * record is never copied to a cluster that it has been in, so that two pipelines may copy each other's streams.
 *
 * @example
 * export const toDublin = replication("orders-to-dublin", {
 *   from: kinesisRecords("orders", { cluster: "frankfurt" }),
 *   to: streamCopy("orders_copy", { cluster: "dublin" }),
 * });
 *
 * @throws definition errors of `pipeline`, and `replication/same-cluster`, `replication/source`
 */
export function replication(name: string, ...routes: readonly Route[]): Pipeline<void> {
  for (const { from, to } of routes) check(name, from, to);
  return pipeline(name, (flow) => {
    const streams = new Map<Route["from"], Stream<RawRecord>>();
    for (const { from, to, where, forward = true } of routes) {
      const all = streams.get(from) ?? flow.from(from);
      streams.set(from, all);
      const operator = to.name.slice(0, NAME);
      const { cluster } = to;
      let chosen = all.filter(
        `${operator}-loops`,
        ({ origin: { clusters } }) => !clusters.includes(cluster) && (forward || clusters.length === 1),
      );
      if (where !== undefined) chosen = chosen.filter(`${operator}-where`, where);
      chosen.to(to);
    }
  });
}

function check(name: string, from: Route["from"], to: Route["to"]): void {
  const { raw } = from as { readonly raw?: { readonly cluster: string } };
  const what = `replication("${name}")`;
  if (raw === undefined) {
    throw definitionError({
      code: "replication/source",
      message: `${what}: "${from.name}" is no source of records as they are.`,
      advice: "Use kinesisRecords or kafkaRecords.",
    });
  }
  if (raw.cluster !== to.cluster) return;
  throw definitionError({
    code: "replication/same-cluster",
    message: `${what}: "${from.name}" and "${to.name}" are both of "${to.cluster}".`,
    advice: "A record is never copied to a cluster that it comes from. Give the other one its own name.",
  });
}
