/** The sections of docs/operations.md that alarms lead to. */
export type Section =
  | "A lake that is behind"
  | "A sink that is down"
  | "A state that grows"
  | "A task stands still"
  | "A window that does not close"
  | "Dead letters"
  | "Event time that stands still"
  | "Invocations that fail"
  | "Messages that were set aside"
  | "Reading falls behind"
  | "Records that were lost"
  | "The sweeper does not run"
  | "Throttling, time-outs, a sink that is down";

/** Where a section is: as a link in a rendered document has it. */
export const section = (title: Section): string => `docs/operations.md#${anchorOf(title)}`;

/** A heading's anchor, as GitHub makes it. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
