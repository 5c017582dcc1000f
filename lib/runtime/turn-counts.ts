import type { OperatorCounts } from "../state/counters.ts";

const NONE: OperatorCounts = { in: 0, filtered: 0, folded: 0, late: 0, dead: 0, sent: 0, closed: 0 };

/** What was counted between two readings of a task's counters. */
export function countsBetween(
  before: ReadonlyMap<string, OperatorCounts>,
  after: ReadonlyMap<string, OperatorCounts>,
): ReadonlyMap<string, OperatorCounts> {
  const counts = new Map<string, OperatorCounts>();
  for (const [operator, now] of after) {
    const then = before.get(operator) ?? NONE;
    counts.set(operator, {
      in: now.in - then.in,
      filtered: now.filtered - then.filtered,
      folded: now.folded - then.folded,
      late: now.late - then.late,
      dead: now.dead - then.dead,
      sent: now.sent - then.sent,
      closed: now.closed - then.closed,
    });
  }
  return counts;
}
