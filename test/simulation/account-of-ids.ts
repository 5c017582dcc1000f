import type { Failure, SimulationResult } from "millrace/testing";
import { DEAD_LETTERS, type DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { decodeBody } from "../../lib/state/codec.ts";
import { unmarked, type Identified } from "./id-pipeline.ts";

interface Row {
  readonly key: string;
  readonly window_start: number;
  readonly window_end: number;
  readonly ids: string;
}

/**
 * From sinks alone: every event that was put is exactly once in a row, a late row or a dead letter; one that the filter
 * turns away is in none, or a dead letter. An event that the stream forgot may be missing.
 */
export function accountOfIds(
  events: readonly Identified[],
  allowedLateness: number,
  { put, received, redriven, counts }: SimulationResult,
): readonly Failure[] {
  const failures: Failure[] = [];
  const found = new Map<number, string[]>();
  const add = (id: number, where: string) => void found.set(id, [...(found.get(id) ?? []), where]);
  // What was redriven is elsewhere now: in a row, or in another dead letter.
  const letters = [...(received.get(DEAD_LETTERS) ?? [])]
    .filter(([id]) => !redriven.has(id))
    .map(([id, body]) => [id, JSON.parse(body) as DeadLetter] as const);
  const refused = (sink: string) =>
    letters.flatMap(([, { output }]) => (output?.sink === sink ? [[output.id, output.body] as const] : []));
  const rowsOf = <R>(sink: string) =>
    [...new Map([...(received.get(sink) ?? []), ...refused(sink)])].map(
      ([id, body]) => [id, JSON.parse(body) as R] as const,
    );
  const windows = new Map<string, string>();
  let inRows = 0;
  for (const [output, row] of rowsOf<Row>("rows")) {
    const window = `${row.key} ${row.window_start}`;
    if (windows.has(window)) {
      failures.push({ check: "repeated", message: `${window} is a row twice: ${windows.get(window)} and ${output}.` });
    }
    windows.set(window, output);
    for (const id of row.ids.split(" ").map(Number)) {
      inRows++;
      add(id, output);
      const event = events[id];
      if (event?.key !== row.key || event.time < row.window_start || event.time >= row.window_end) {
        failures.push({ check: "wrong", message: `${output} has event ${id}, which is of another key or window.` });
      }
    }
  }
  const late = new Set<number>();
  for (const [output, { id }] of rowsOf<{ id: number }>("late")) {
    add(id, output);
    late.add(id);
  }
  for (const [output, letter] of letters) for (const id of idsOf(letter)) add(id, output);
  for (const { event, isLost, watermark } of put) {
    const places = found.get(event) ?? [];
    if (places.length > 1)
      failures.push({ check: "repeated", message: `Event ${event} is in ${places.join(" and ")}.` });
    if (places.length === 0 && !isLost && events[event]!.does !== "skip") {
      failures.push({ check: "lost", message: `Event ${event} is nowhere.` });
    }
    found.delete(event);
    if (places.length !== 1 || letters.some(([output]) => output === places[0])) continue;
    const closes = (Math.floor(events[event]!.time / 10_000) + 1) * 10_000 + allowedLateness;
    if (late.has(event) !== closes <= watermark!) {
      const found = late.has(event) ? "late" : "on time";
      failures.push({
        check: "late",
        message: `Event ${event} is ${found}; its window closes at ${closes}, the watermark was ${watermark}.`,
      });
    }
  }
  for (const [id, places] of found) {
    failures.push({ check: "wrong", message: `${places.join(" and ")} has event ${id}, which was never put.` });
  }
  let inMinutes = rowsOf<{ events: number }>("per_minute").reduce((sum, [, row]) => sum + row.events, 0);
  for (const [, { unit }] of letters) if (unit?.operator === "minutes") inMinutes += accumulatorOf<number>(unit);
  // A window that was taken back may be too late for its minute.
  const areAllInTime = counts.late === late.size;
  if (areAllInTime ? inMinutes !== inRows : inMinutes > inRows) {
    failures.push({
      check: "wrong",
      message: `Minutes count ${inMinutes} events; the rows that they are made of have ${inRows}.`,
    });
  }
  return failures;
}

/** The ids in a dead letter of a record or of a window. */
function idsOf({ kind, payload, unit }: DeadLetter): readonly number[] {
  if (kind === "record") {
    const [, id] = /"id":(\d+)/.exec(Buffer.from(payload!, "base64").toString()) ?? [];
    return [Number(id)];
  }
  return kind === "pane" && unit!.operator === "tens" ? accumulatorOf<number[]>(unit!).map(unmarked) : [];
}

const accumulatorOf = <T>({ content, codec }: NonNullable<DeadLetter["unit"]>): T =>
  (decodeBody(Buffer.from(content, "base64"), codec, "A letter") as [T])[0];
