import { writeFileSync } from "node:fs";

/**
 * Is told how many events this process has been given, and notes what CPU it had taken once they are as many as it was asked
 * to (`MARK_AFTER`), in the file that {@link metered} reads (`MARK_FILE`): Mark.java and mark.py do the same.
 */
export function marker(): (events: number) => void {
  const { MARK_AFTER: after, MARK_FILE: file } = process.env;
  let left = file === undefined ? Number.POSITIVE_INFINITY : Number(after);
  return (events) => {
    if (events < left) return;
    left = Number.POSITIVE_INFINITY;
    const { user, system } = process.cpuUsage();
    writeFileSync(file!, JSON.stringify({ events, cpu: (user + system) / 1_000_000 }));
  };
}
