import type { Shares } from "./affinity.ts";
import { memoryOf } from "./assumptions.ts";
import type { Row } from "./grid.ts";

/** A Markdown table, as prettier writes it. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) => Math.max(head.length, 3, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => pad(cell, widths[i]!, i)).join(" | ")} |`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(heads), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** The first column is text, the others are numbers. */
const pad = (cell: string, width: number, column: number): string =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width);

export const percent = (share: number): string =>
  share === 0 ? "0 %" : share < 0.001 ? "<0.1 %" : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

export const whole = (n: number): string => Math.round(n).toLocaleString("en-US");

export function size(bytes: number): string {
  const [n, unit] = bytes >= 1_048_576 ? [bytes / 1_048_576, "MB"] : [bytes / 1_024, "KB"];
  return `${Number(n.toFixed(1)).toLocaleString("en-US")} ${unit}`;
}

/** Dollars per million events, of dollars per batch. */
export const perMillion = (dollarsPerBatch: number, records: number): string =>
  ((dollarsPerBatch * 1_000_000) / records).toFixed(4);

export const duty = (share: number): string => `${share * 100} %`;

const shares = ({ stale, cold, behind }: Shares): string[] => [
  percent(1 - stale - cold),
  percent(stale),
  stale === 0 ? "" : behind.toFixed(1),
  percent(cold),
];

/** Both assignments' rows of one state size, in the same order. */
export const affinityTable = (mru: readonly Row[], random: readonly Row[]): string =>
  table(
    ["shards, in flight", "MRU: warm", "stale", "behind", "cold", "random: warm", "stale", "behind", "cold"],
    mru.map((row, i) => [
      `${whole(row.shards)}, ${duty(row.duty)}`,
      ...shares(row.shares),
      ...shares(random[i]!.shares),
    ]),
  );

const COST_HEADS = [
  "read KB",
  "read units",
  "GETs",
  "PUTs",
  "write units",
  "load KB",
  "load ms",
  "reads $",
  "writes $",
  "S3 $",
  "Lambda $",
  "total $",
  "of it affinity $",
];

/** A row's means per batch, and its dollars per million events. */
export function costCells({ counts, cost }: Row, records: number): string[] {
  const dollars = [cost.dynamodbReads, cost.dynamodbWrites, cost.s3, cost.lambda, cost.total, cost.affinity];
  return [
    (counts.catchUpBytes / 1_024).toFixed(1),
    counts.readUnits.toFixed(1),
    (counts.checkpointGets + counts.spillGets).toFixed(2),
    (counts.checkpointPuts + counts.spillPuts).toFixed(3),
    counts.writeUnits.toFixed(1),
    whole(counts.loadedBytes / 1_024),
    whole(cost.loadMillis),
    ...dollars.map((each) => perMillion(each, records)),
  ];
}

export const costTable = (
  head: string,
  rows: readonly (readonly [name: string, row: Row])[],
  records: number,
): string =>
  table(
    [head, ...COST_HEADS],
    rows.map(([name, row]) => [name, ...costCells(row, records)]),
  );

/** What a container needs to keep states of these sizes. */
export const memoryTable = (
  sizes: readonly number[],
  facts: (stateBytes: number) => { readonly memory: number; readonly kept: number; readonly coldMillis: number },
  cachedTasks: number,
): string =>
  table(
    [
      "state of a task",
      "one state needs",
      `${cachedTasks} states need`,
      "memory taken here",
      "states kept",
      "a load takes",
    ],
    sizes.map((bytes) => {
      const { memory, kept, coldMillis } = facts(bytes);
      return [
        size(bytes),
        `${whole(memoryOf(1, bytes))} MB`,
        `${whole(memoryOf(cachedTasks, bytes))} MB`,
        `${whole(memory)} MB`,
        whole(kept),
        `${whole(coldMillis)} ms`,
      ];
    }),
  );
