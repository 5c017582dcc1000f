import { poisonError } from "../errors.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";
import type { SessionWindows } from "./window.ts";

/**
 * Windows of activity: a session ends when nothing has come for `gap`, and a session of a single event is one too.
 *
 * A record's own window is [time, time + gap); those of a key that overlap are one session, [first time, last time +
 * gap). A record exactly a gap after another begins the next session, as in Beam: what is at a window's end is not in it.
 * (Flink and Kafka Streams still join the two; then the answer depends on whether the watermark or the record comes
 * first.)
 *
 * @example
 * const visits = session({ gap: { minutes: 30 } });
 * const byDevice = session<{ device: string }>({
 *   gap: (event) => (event.device === "sensor" ? { hours: 6 } : { minutes: 30 }),
 * });
 *
 * @param options.gap more than zero; a function gives each record its own
 * @throws definition error `time/duration`
 */
export function session<T = unknown>(options: {
  readonly gap: Duration | ((record: T) => Duration);
}): SessionWindows<T> {
  const { gap } = options;
  if (typeof gap === "function") return { kind: "session", shape: "session", gapOf: (record) => gapIn(gap(record)) };
  const millis = toPositiveMillis(gap, "session() gap");
  return { kind: "session", shape: "session", gapOf: () => millis };
}

function gapIn(gap: Duration): number {
  try {
    return toPositiveMillis(gap, "session() gap");
  } catch (cause) {
    throw poisonError({ code: "window/gap", message: "The record's session gap is no duration above zero.", cause });
  }
}
