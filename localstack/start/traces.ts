import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Pipeline } from "millrace";
import { planStages } from "../../lib/plan/stage.ts";
import type { Span } from "../../lib/runtime/spans.ts";
import { pathsOf, type TracePath, type TraceStep } from "../../lib/runtime/trace-paths.ts";
import type { FeedEvent } from "./feed.ts";
import { whole, type Printer } from "./print.ts";

/** The trace of the n-th event. */
const traceIdOf = (n: number): string => createHash("sha256").update(`event ${n}`).digest("hex").slice(0, 32);

/** Events of which some, evenly spread, have a trace, as a producer would give it to them. */
export async function* withTraces(
  events: AsyncIterable<FeedEvent>,
  { traced, total }: { readonly traced: number; readonly total: number },
): AsyncGenerator<FeedEvent> {
  const most = Math.min(traced, total);
  const chosen = new Set(Array.from({ length: most }, (_, i) => Math.floor((i * total) / most)));
  for await (const event of events) yield chosen.has(event.n) ? tracedEvent(event) : event;
}

function tracedEvent(event: FeedEvent): FeedEvent {
  const traceId = traceIdOf(event.n);
  const traceparent = `00-${traceId}-${createHash("sha256").update(traceId).digest("hex").slice(0, 16)}-01`;
  return { ...event, event: JSON.stringify({ ...(JSON.parse(event.event) as object), traceparent }) };
}

/** The spans in what functions have logged, in the order in which they began. @param logs a folder of their logs */
export async function spansIn(logs: string): Promise<readonly Span[]> {
  const files = (await readdir(logs)).filter((name) => name.endsWith(".log"));
  const texts = await Promise.all(files.map((name) => readFile(path.join(logs, name), "utf8")));
  const spans = texts.flatMap((text) =>
    text
      .split("\n")
      .filter((line) => line.includes('"message":"span"'))
      .map(spanIn),
  );
  return spans.flat().sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1));
}

/** A process that is killed may leave a part of a line. */
function spanIn(line: string): readonly Span[] {
  try {
    return [JSON.parse(line.slice(line.indexOf("{"))) as Span];
  } catch {
    return [];
  }
}

/** Prints what became of each trace: from the source's commit through the stages to the ids that its rows have. */
export function reportTraces(pipeline: Pipeline, spans: readonly Span[], printer: Printer): void {
  const paths = pathsOf(spans);
  printer.section(`The paths of ${whole(paths.length)} traced record${paths.length === 1 ? "" : "s"}`);
  const stages = new Set(planStages(pipeline).map(({ name }) => name));
  for (const { traceId, steps } of paths) {
    printer.line(`  trace ${traceId}`);
    for (const step of inOrder(steps, stages)) for (const line of linesOf(step, stages)) printer.line(`    ${line}`);
  }
}

/** A stage's steps come after those of the stages that it reads from, whatever clocks say. */
function inOrder(steps: TracePath["steps"], stages: ReadonlySet<string>): readonly TraceStep[] {
  const order = [...stages];
  const placeOf = ({ task }: TraceStep) => order.indexOf(task.split(":")[2]!);
  return [...steps].sort((a, b) => placeOf(a) - placeOf(b));
}

function linesOf({ task, epoch, outputs, dropped }: TraceStep, stages: ReadonlySet<string>): readonly string[] {
  const sent = Object.entries(outputs).map(([sink, ids]) => {
    const places = ids.map((id) => id.slice(id.lastIndexOf("#")));
    return stages.has(sink) ? `to stage ${sink} ${places.join(" ")}` : `row of ${sink} ${places.join(" ")}`;
  });
  const more = dropped > 0 ? [`and ${whole(dropped)} more`] : [];
  return [`${task}@${epoch}  ${[...sent, ...more].join(", ") || "folded"}`];
}
