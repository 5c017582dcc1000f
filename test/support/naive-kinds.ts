import type { Window } from "millrace";
import { textOf, watermarksOf, type Numbered, type SeenRow } from "./windowed.ts";

export interface NaiveSeen {
  readonly rows: readonly SeenRow[];
  /** Numbers of late events, and of those that are in no window. */
  readonly late: readonly number[];
  readonly filtered: number;
}

const rowOf = (key: string, { start, end }: Window, members: readonly Numbered[]): SeenRow => ({
  key,
  window_start: start,
  window_end: end,
  seen: textOf(members.map(({ n }) => n)),
});

/** Windows that an event's time alone decides on: each event is in those that are open when it comes. */
export function naiveTimeWindows(
  events: readonly Numbered[],
  windowsOf: (time: number) => readonly Window[],
  { disorder, lateness }: { readonly disorder: number; readonly lateness: number },
): NaiveSeen {
  const watermarks = watermarksOf(events, disorder);
  const groups = new Map<string, { key: string; window: Window; members: Numbered[] }>();
  const late: number[] = [];
  let filtered = 0;
  events.forEach((event, i) => {
    const all = windowsOf(event.time);
    const open = all.filter(({ end }) => end + lateness > watermarks[i]!);
    if (all.length === 0) filtered++;
    else if (open.length === 0) late.push(event.n);
    for (const window of open) {
      const id = JSON.stringify([event.key, window]);
      const group = groups.get(id) ?? { key: event.key, window, members: [] };
      group.members.push(event);
      groups.set(id, group);
    }
  });
  return { rows: [...groups.values()].map(({ key, window, members }) => rowOf(key, window, members)), late, filtered };
}

/** Sessions of events none of which is late: cut wherever nothing came for a gap. */
export function naiveSessions(events: readonly Numbered[], gapOf: (event: Numbered) => number): SeenRow[] {
  return ["a", "b"].flatMap((key) => {
    const sorted = events.filter((event) => event.key === key).toSorted((x, y) => x.time - y.time);
    const sessions: { start: number; end: number; members: Numbered[] }[] = [];
    for (const event of sorted) {
      const last = sessions.at(-1);
      const end = event.time + gapOf(event);
      if (last === undefined || event.time >= last.end) sessions.push({ start: event.time, end, members: [event] });
      else {
        last.end = Math.max(last.end, end);
        last.members.push(event);
      }
    }
    return sessions.map((session) => rowOf(key, session, session.members));
  });
}

/** Sessions with lateness: what overlaps is joined as events come; what is closed is joined no more. */
export function naiveLateSessions(
  events: readonly Numbered[],
  gapOf: (event: Numbered) => number,
  { disorder, lateness }: { readonly disorder: number; readonly lateness: number },
): NaiveSeen {
  const watermarks = watermarksOf(events, disorder);
  interface Session extends Window {
    readonly key: string;
    readonly members: readonly Numbered[];
  }
  let open: Session[] = [];
  const closed: Session[] = [];
  const late: number[] = [];
  events.forEach((event, i) => {
    const isOver = ({ end }: Window) => end + lateness <= watermarks[i]!;
    closed.push(...open.filter(isOver));
    open = open.filter((session) => !isOver(session));
    const own = { start: event.time, end: event.time + gapOf(event) };
    const joined = open.filter(({ key, start, end }) => key === event.key && start < own.end && own.start < end);
    const all = {
      key: event.key,
      start: Math.min(own.start, ...joined.map(({ start }) => start)),
      end: Math.max(own.end, ...joined.map(({ end }) => end)),
      members: [...joined.flatMap(({ members }) => members), event],
    };
    if (isOver(all)) late.push(event.n);
    else open = [...open.filter((session) => !joined.includes(session)), all];
  });
  return {
    rows: [...closed, ...open].map((session) => rowOf(session.key, session, session.members)),
    late,
    filtered: 0,
  };
}

/** A row at each event's time, of what precedes it. */
export function naiveSliding(
  events: readonly Numbered[],
  preceding: number,
  { disorder, lateness }: { readonly disorder: number; readonly lateness: number },
): NaiveSeen {
  const watermarks = watermarksOf(events, disorder);
  const isOpen = (end: number, i: number) => end + lateness > watermarks[i]!;
  const places = new Map<string, { key: string; time: number }>();
  events.forEach(({ key, time }, i) => {
    if (isOpen(time + 1, i)) places.set(`${key} ${time}`, { key, time });
  });
  const rows = [...places.values()].map(({ key, time }) => {
    const members = events.filter(
      (other, i) => other.key === key && other.time <= time && other.time >= time - preceding && isOpen(time + 1, i),
    );
    return rowOf(key, { start: time - preceding, end: time + 1 }, members);
  });
  const late = events.filter(({ time }, i) => !isOpen(time + preceding + 1, i)).map(({ n }) => n);
  return { rows, late, filtered: 0 };
}
