import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { workDirectory } from "./work.ts";

/** What a process took. */
export interface Usage {
  /** Seconds of CPU, user and system, of all its threads. */
  readonly cpu: number;
  /** Seconds by the clock. */
  readonly wall: number;
  /** The most memory resident, MB (2^20 bytes). */
  readonly rss: number;
}

export interface Metered {
  readonly usage: Usage;
  /** What it wrote to its standard output. */
  readonly output: string;
}

/** Seconds that a child may take before it is ended, unless more is said. */
const MOST_SECONDS = 1_500;

interface Limits {
  readonly mostSeconds?: number;
}

/** Runs a command to its end and reads from the kernel what it took: the same meter for whatever is compared. */
export async function metered(
  command: string,
  args: readonly string[],
  { mostSeconds = MOST_SECONDS, ...options }: Limits & { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Metered> {
  const report = path.join(workDirectory("meter"), `${process.pid}.json`);
  const child = spawn("python3", [path.join(import.meta.dirname, "rusage.py"), report, command, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // so that it can be ended with all it has started
    ...options,
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (errors = (errors + String(chunk)).slice(-20_000)));
  const end = () => process.kill(-child.pid!, "SIGKILL");
  process.once("exit", end);
  const timer = setTimeout(end, mostSeconds * 1_000);
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  clearTimeout(timer);
  process.off("exit", end);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${String(code)}:\n${output}${errors}`);
  const { user, system, wall, rssMegabytes } = JSON.parse(readFileSync(report, "utf8")) as Record<string, number>;
  return { usage: { cpu: user! + system!, wall: wall!, rss: rssMegabytes! }, output };
}

/** Ticks of a second in /proc (sysconf(_SC_CLK_TCK) on Linux). */
const TICKS = 100;

/** What a running process has taken so far. Linux only. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the name in brackets, which may hold anything: state is field 3, utime 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]!;
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
    wall: performance.now() / 1_000,
    rss: Number(peak) / 1_024,
  };
}
