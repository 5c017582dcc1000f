import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

/** Where /proc is, reading is cheap; elsewhere `ps` has to be started for it. */
const linuxMillis = 100;
const elsewhereMillis = 500;

/** Memory pages are 4 KiB on the machines that have /proc and run Node. */
const pageBytes = 4096;

/**
 * Looks at a process's resident memory again and again, and tells once when it is over the limit. Heap limits do
 * not see Buffers; this does. Gives a function that ends the watch.
 */
export function watchMemory(pid: number | undefined, limitMegabytes: number, onOver: () => void): () => void {
  if (pid === undefined) return () => undefined;
  const limit = limitMegabytes * 1024 * 1024;
  let ended = false;
  let looking = false;
  const timer = setInterval(
    () => {
      if (looking) return;
      looking = true;
      void residentBytes(pid).then((bytes) => {
        looking = false;
        if (ended || bytes === undefined || bytes <= limit) return;
        stop();
        onOver();
      });
    },
    process.platform === "linux" ? linuxMillis : elsewhereMillis,
  );
  const stop = () => {
    ended = true;
    clearInterval(timer);
  };
  return stop;
}

/** Undefined when the process is gone. */
async function residentBytes(pid: number): Promise<number | undefined> {
  if (process.platform === "linux") {
    try {
      const statistics = await readFile(`/proc/${pid}/statm`, "utf8");
      return Number(statistics.split(" ")[1]) * pageBytes;
    } catch {
      return undefined;
    }
  }
  return new Promise((resolve) => {
    execFile("ps", ["-o", "rss=", "-p", String(pid)], (error, output) =>
      resolve(error === null ? Number(output) * 1024 : undefined),
    );
  });
}
