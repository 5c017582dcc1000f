import { refuseSetting } from "../connectors/limits.ts";
import type { CheckedSink } from "../connectors/provisioned.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import type { MillracePipelineProps } from "./pipeline-props.ts";

/** A sink whose settings are to be checked. */
export interface UncheckedSink {
  /** Names the construct in errors. */
  readonly what: string;
  readonly sink: SinkDeclaration;
  readonly props: MillracePipelineProps;
}

/** What provisions the sinks of each connector, but lakes, which share a bucket and a database. */
const SINKS: Readonly<Record<string, (unchecked: UncheckedSink) => CheckedSink>> = {};

/** Checks what a stage writes to. @throws definition errors naming the limit and the value given */
export function checkSink(what: string, sink: SinkDeclaration, props: MillracePipelineProps): CheckedSink {
  const check = SINKS[sink.connector];
  if (check !== undefined) return check({ what, sink, props });
  throw refuseSetting(
    `${what}: the sink "${sink.name}"`,
    `of ${sink.connector}`,
    `What is provisioned is ${["lakes", ...Object.keys(SINKS)].join(", ")}.`,
  );
}
