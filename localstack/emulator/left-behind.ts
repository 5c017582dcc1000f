import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** What was killed may take a moment to be gone. */
const LOOKS = 50;
const MILLIS_BETWEEN_LOOKS = 100;

/** The processes of a group that are still there after five seconds. */
export async function leftOf(group: number): Promise<readonly string[]> {
  let left = await processesOf(group);
  for (let look = 1; look < LOOKS && left.length > 0; look++) {
    await sleep(MILLIS_BETWEEN_LOOKS);
    left = await processesOf(group);
  }
  return left;
}

/** The processes of a group: one a line, as `ps` names them. Those that have ended and wait to be counted are none. */
async function processesOf(group: number): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pgid=,pid=,stat=,command="]);
  return stdout.split("\n").filter((line) => {
    const [own, , state = ""] = line.trim().split(/\s+/);
    return Number(own) === group && !state.startsWith("Z");
  });
}
