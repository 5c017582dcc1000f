import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { format } from "prettier";
import { runsOnFunctionNode } from "../harness/function-node.ts";
import { ROOT, say } from "../harness/work.ts";
import { differenceLine, fallen, risen, TOLERANCE, type JobCounts } from "./compare.ts";
import { countJob, type Counts } from "./count-job.ts";
import { withDynamoDb } from "./emulator.ts";
import { JOBS } from "./jobs.ts";

const FILE = path.join(ROOT, "bench/results/counts.json");
const ACCEPT = "npm run bench -- counts --accept";

/**
 * `npm run bench -- counts`: requests, units, bytes and promises of jobs that are always the same, on the functions' Node,
 * against those in bench/results/counts.json. Fails when one has risen; `--accept` writes those of now, for a commit that says why.
 */
export async function counts(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { accept: { type: "boolean", default: false } } });
  if (runsOnFunctionNode()) return; // another Node compresses otherwise
  const now: Record<string, Counts> = {};
  await withDynamoDb(async (client) => {
    for (const [n, job] of JOBS.entries()) {
      say(job.name);
      now[job.name] = await countJob(job, client(), `counts-${n}`);
    }
  });
  if (values.accept) return write(now);
  const { lines, isRisen } = verdict(
    existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as JobCounts) : {},
    now,
  );
  lines.forEach((line) => console.log(line));
  if (isRisen) process.exitCode = 1;
}

/** What to print of counts beside those that were accepted, and whether one has risen. */
export function verdict(
  accepted: JobCounts,
  now: JobCounts,
): { readonly lines: readonly string[]; readonly isRisen: boolean } {
  const [more, less] = [risen(accepted, now), fallen(accepted, now)];
  const number = Object.values(now).reduce((sum, one) => sum + Object.keys(one).length, 0);
  return {
    lines: [
      ...more.map((one) => `ROSE  ${differenceLine(one)}`),
      ...less.map((one) => `fell  ${differenceLine(one)}`),
      ...(more.length > 0 ? [`To accept what rose, and to say why in the commit: ${ACCEPT}`] : []),
      ...(more.length === 0 && less.length > 0 ? [`To keep what fell from rising again: ${ACCEPT}`] : []),
      `${number} counts of ${Object.keys(now).length} jobs: ${more.length} rose by more than ${TOLERANCE * 100} %, ${less.length} fell by as much`,
    ],
    isRisen: more.length > 0,
  };
}

async function write(now: JobCounts): Promise<void> {
  writeFileSync(FILE, await format(JSON.stringify(now), { parser: "json", printWidth: 120 }));
  console.log(`Accepted: ${path.relative(ROOT, FILE)}`);
}
