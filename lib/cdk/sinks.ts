import { refuseSetting } from "../connectors/limits.ts";
import type { CheckedSink } from "../connectors/provisioned.ts";
import { QUEUE, type QueueDeclaration } from "../connectors/sqs/declare.ts";
import { checkQueue } from "../connectors/sqs/provision.ts";
import { VIEW } from "../connectors/view/declare.ts";
import { checkView } from "../connectors/view/provision.ts";
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
const SINKS: Readonly<Record<string, (unchecked: UncheckedSink) => CheckedSink>> = {
  [QUEUE]: ({ what, sink, props: { queues = {} } }) =>
    checkQueue(`${what}.queues: "${sink.name}"`, sink as QueueDeclaration, queues[sink.name] ?? {}),
  [VIEW]: ({ sink, props }) => checkView(sink, props.views?.[sink.name]),
};

/** Settings of sinks by their names, and the connector that they are of. */
const SETTINGS = { queues: QUEUE, views: VIEW } as const;

/** Settings for what the pipeline does not write to are mistakes. @throws definition error `provision/refused` */
export function refuseUnknownSinks(
  what: string,
  props: MillracePipelineProps,
  sinks: readonly SinkDeclaration[],
): void {
  for (const [prop, connector] of Object.entries(SETTINGS) as [keyof typeof SETTINGS, string][]) {
    const names = new Set(sinks.filter((sink) => sink.connector === connector).map(({ name }) => name));
    const unknown = Object.keys(props[prop] ?? {}).find((name) => !names.has(name));
    if (unknown === undefined) continue;
    const known = names.size === 0 ? "It writes to none." : `It writes to ${[...names].join(", ")}.`;
    throw refuseSetting(`${what}.${prop}`, `for "${unknown}"`, known);
  }
}

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
