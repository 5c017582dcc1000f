import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { bundleSimulator } from "./bundle.ts";
import { MUTANTS } from "./list.ts";
import type { Mutant } from "./mutant.ts";

/** `npm run mutants`: every mutant must be caught by the simulator alone, within the runs that are stated for it. */

const { values } = parseArgs({
  options: {
    /** A part of a mutant's name. */
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    /** Instead of what each mutant states. */
    runs: { type: "string" },
  },
});

const FOLDER = path.resolve(".millrace/mutants");
/** A mutant can make a run endless: that is caught as well. */
const LONGEST_MILLIS = 180_000;

interface Outcome {
  readonly isCaught: boolean;
  /** The run that failed and the check that failed it, if it came to that. */
  readonly what: string;
}

async function outcomeOf(name: string, runs: number, isStaged: boolean, mutant?: Mutant): Promise<Outcome> {
  const bundle = path.join(FOLDER, `${name}.mjs`);
  await bundleSimulator(bundle, mutant);
  return new Promise((resolve) => {
    const args = [bundle, "--runs", String(runs), "--seed", values.seed, ...(isStaged ? ["--staged"] : [])];
    execFile(process.execPath, args, { timeout: LONGEST_MILLIS, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) return resolve({ isCaught: false, what: `${runs} runs` });
      const what = error.killed ? "no end" : whatFailed(stdout, stderr);
      // That is no defect of the protocol: the mutant names what its file does not have.
      resolve({ isCaught: !/ReferenceError|SyntaxError/.test(what), what });
    });
  });
}

function whatFailed(stdout: string, stderr: string): string {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) return `the process died: ${stderr.trim().split("\n").at(-1)?.slice(0, 120) ?? ""}`;
  const { run, check, message } = JSON.parse(line) as { run: number; check: string; message: string };
  return `run ${run}, ${check}: ${message.slice(0, 120)}`;
}

const chosen = MUTANTS.filter(({ name }) => name.includes(values.only));
const runsOf = ({ within }: Mutant): number => (values.runs === undefined ? within : Number(values.runs));
await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });

let isSound = true;
const survivors: string[] = [];

/** Runs that find mutants find nothing where there is none. */
async function tryWithout(isStaged: boolean): Promise<void> {
  const runs = Math.max(0, ...chosen.filter((mutant) => (mutant.isStaged ?? false) === isStaged).map(runsOf));
  if (runs === 0) return;
  const of = isStaged ? "several stages" : "one stage";
  const { isCaught, what } = await outcomeOf(isStaged ? "sound-staged" : "sound", runs, isStaged);
  if (isCaught) isSound = false;
  console.log(
    isCaught
      ? `Without a mutant the simulator of ${of} fails: ${what}`
      : `Without a mutant, of ${of}: ${what}, none fails`,
  );
}

async function tryMutant(mutant: Mutant, i: number): Promise<void> {
  const { isCaught, what } = await outcomeOf(String(i), runsOf(mutant), mutant.isStaged ?? false, mutant);
  if (!isCaught) survivors.push(mutant.name);
  console.log(`${isCaught ? "caught  " : "SURVIVED"}  ${mutant.invariant.padEnd(10)} ${mutant.name} (${what})`);
}

const queue = [
  ...[false, true].map((isStaged) => () => tryWithout(isStaged)),
  ...chosen.map((mutant, i) => () => tryMutant(mutant, i)),
];
async function work(): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next();
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
await rm(FOLDER, { recursive: true, force: true });
console.log(`${chosen.length} mutants, caught ${chosen.length - survivors.length}, survived ${survivors.length}`);
process.exitCode = !isSound || survivors.length > 0 ? 1 : 0;
