import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The processes of a group: one a line, as `ps` names them. Those that have ended and wait to be counted are none. */
export async function processesOf(group: number): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pgid=,pid=,stat=,command="]);
  return stdout.split("\n").filter((line) => {
    const [own, , state = ""] = line.trim().split(/\s+/);
    return Number(own) === group && !state.startsWith("Z");
  });
}
