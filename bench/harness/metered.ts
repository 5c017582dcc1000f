import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
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
  /** Of the CPU what it had taken at the run's mark; nothing where there is none. */
  readonly beforeMark?: number;
}

export interface Metered {
  readonly usage: Usage;
  /** What it wrote to its standard output. */
  readonly output: string;
  /** How many events it had been given at its mark, where it made one. */
  readonly marked?: number;
}

/** Seconds that a child may take before it is ended, unless more is said. */
const MOST_SECONDS = 1_500;

interface Options {
  readonly mostSeconds?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** After how many events it is to make its mark (mark.ts). */
  readonly mark?: number;
  /** Is called once it has. */
  readonly onMark?: () => void;
}

let runs = 0;

/** Runs a command to its end and reads from the kernel what it took: the same meter for whatever is compared. */
export async function metered(
  command: string,
  args: readonly string[],
  { mostSeconds = MOST_SECONDS, mark, onMark, env = process.env, ...options }: Options = {},
): Promise<Metered> {
  const name = `${process.pid}-${++runs}`;
  const report = path.join(workDirectory("meter"), `${name}.json`);
  const markFile = path.join(workDirectory("meter"), `${name}-mark.json`);
  const child = spawn("python3", [path.join(import.meta.dirname, "rusage.py"), report, command, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // so that it can be ended with all it has started
    env: mark === undefined ? env : { ...env, MARK_AFTER: String(mark), MARK_FILE: markFile },
    ...options,
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (errors = (errors + String(chunk)).slice(-20_000)));
  const end = () => process.kill(-child.pid!, "SIGKILL");
  process.once("exit", end);
  const timer = setTimeout(end, mostSeconds * 1_000);
  const look = () => {
    if (!existsSync(markFile)) return;
    clearInterval(watch);
    onMark?.();
    onMark = undefined;
  };
  const watch = onMark && setInterval(look, WATCH);
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  clearTimeout(timer);
  clearInterval(watch);
  look();
  process.off("exit", end);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${String(code)}:\n${output}${errors}`);
  const { user, system, wall, rssMegabytes } = takeFigures(report)!;
  const usage = { cpu: user! + system!, wall: wall!, rss: rssMegabytes! };
  const made = takeFigures(markFile);
  return made === undefined
    ? { usage, output }
    : { usage: { ...usage, beforeMark: made["cpu"]! }, output, marked: made["events"]! };
}

/** What a file says, which is needed no more; undefined where there is none. */
function takeFigures(file: string): Record<string, number> | undefined {
  if (!existsSync(file)) return undefined;
  const figures = JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
  rmSync(file);
  return figures;
}

/** Milliseconds between looks for a mark. */
const WATCH = 20;

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
