import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));

const WHAT_TO_INSTALL = `This command runs ministack, which is written in Python: it needs Python 3.10 or later with venv and pip.
  Debian, Ubuntu   apt-get install python3 python3-venv
  Fedora           dnf install python3
  macOS            brew install python
Or give one that is elsewhere: PYTHON=/path/to/python3. Nothing else of Millrace needs it; "npm start" runs the same
pipelines on npm packages alone.`;

/** There is no Python that would do. The message says what to install. */
export class PythonMissing extends Error {
  override readonly name = "PythonMissing";
}

export interface Installed {
  /** Python with ministack. */
  readonly python: string;
  /** Whether it was there already. */
  readonly cached: boolean;
}

/**
 * Installs what requirements.txt pins into a virtual environment below `home`, once.
 *
 * @throws PythonMissing
 */
export async function installMinistack(home: string, signal: AbortSignal): Promise<Installed> {
  const [first = ""] = (await readFile(REQUIREMENTS, "utf8")).split("\n");
  const directory = path.join(home, first.replace("==", "-"));
  const python = path.join(directory, "bin", "python");
  if (existsSync(python)) return { python, cached: true };
  const base = await findPython(signal);
  await mkdir(home, { recursive: true });
  // Made elsewhere and moved when complete, so that what is there can be used. Scripts of the environment name the place
  // it was made in; they are not used.
  const unfinished = `${directory}.${process.pid}`;
  try {
    await run(base, ["-m", "venv", unfinished], signal);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS];
    await run(path.join(unfinished, "bin", "python"), pip, signal);
    await rename(unfinished, directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return { python, cached: false };
}

async function findPython(signal: AbortSignal): Promise<string> {
  const given = process.env["PYTHON"];
  for (const name of given === undefined ? ["python3", "python"] : [given]) {
    try {
      await run(name, ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"], signal);
      return name;
    } catch {
      signal.throwIfAborted();
    }
  }
  throw new PythonMissing(WHAT_TO_INSTALL);
}

async function run(command: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], signal });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed with code ${String(code)}:\n${said.trim()}`);
}
