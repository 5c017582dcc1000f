/**
 * How long something waits, in the minutes of the alarms' clock: what is counted going in and coming out, in order, tells
 * when the oldest that is still inside went in.
 */
export class Ages {
  /** By what is measured: how many had gone in when a minute began, the oldest first. */
  private readonly seen = new Map<string, { readonly minute: number; readonly wentIn: number }[]>();

  /** @returns the minute in which the oldest that is inside was first seen; nothing when none is */
  oldestSince(name: string, wentIn: number, cameOut: number, minute: number): number | undefined {
    const seen = this.seen.get(name) ?? [];
    this.seen.set(name, seen);
    if (seen.at(-1)?.wentIn !== wentIn) seen.push({ minute, wentIn });
    while (seen[0] !== undefined && seen[0].wentIn <= cameOut) seen.shift();
    return seen[0]?.minute;
  }
}
