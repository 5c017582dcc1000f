import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";

/**
 * A directory for this run below `.millrace/runs`, named by time and process. Those of earlier runs are
 * deleted, the newest finished one excepted, so that its results can still be looked at.
 */
export async function makeRunDirectory(home: string, now: Date): Promise<string> {
  const runs = path.join(home, "runs");
  await mkdir(runs, { recursive: true });
  const finished = (await readdir(runs)).sort().filter((name) => !isAlive(Number(name.split("-").at(-1))));
  await Promise.all(finished.slice(0, -1).map((name) => rm(path.join(runs, name), { recursive: true, force: true })));
  const directory = path.join(runs, `${now.toISOString().replaceAll(/[:.]/g, "").slice(0, 15)}-${process.pid}`);
  await mkdir(directory);
  return directory;
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
