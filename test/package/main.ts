import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { guideSteps } from "./guide.ts";

/**
 * Packs the package, follows docs/getting-started.md with it in a folder of its own, to the word, and has the package
 * looked at by publint and attw. Ends with 1 where something does not hold.
 */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What lies where the guide says: the clone's tarball, and the project beside it. */
const directory = await mkdtemp(path.join(tmpdir(), "millrace-package-"));
const project = path.join(directory, "page-views");

/** What the project's commands are run with: nothing of the clone's own run by npm. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_/i.test(name)));

/** Runs a program to its end. Gives what it wrote, if it ended as expected. */
async function run(cwd: string, expected: 0 | "failure", file: string, ...args: readonly string[]): Promise<string> {
  const began = performance.now();
  const ended = await promisify(execFile)(file, args, { cwd, env: environment, maxBuffer: 64 << 20 }).then(
    ({ stdout, stderr }) => ({ failed: false, text: stdout + stderr }),
    (error: { stdout: string; stderr: string }) => ({ failed: true, text: error.stdout + error.stderr }),
  );
  const command = [path.basename(file), ...args].join(" ").trim().replaceAll("\n", "; ");
  console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${command.slice(0, 110)}`);
  if (ended.failed !== (expected === "failure")) {
    throw new Error(`This ${ended.failed ? "failed" : "did not fail"}: ${command}\n${ended.text}`);
  }
  return ended.text;
}

function check(holds: boolean, what: string, found: unknown): void {
  if (!holds) throw new Error(`It does not hold that ${what}. Found: ${JSON.stringify(found, undefined, 2)}`);
}

const local = (program: string) => path.join(ROOT, "node_modules/.bin", program);

/** Packs into the place where the guide expects it. Gives the tarball. */
async function pack(): Promise<string> {
  const place = path.join(directory, "millrace");
  await mkdir(place);
  const told = await run(ROOT, 0, "npm", "pack", "--json", "--pack-destination", place);
  const [packed] = JSON.parse(told.slice(told.indexOf("["), told.lastIndexOf("]") + 1)) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  const files = packed.files.map((file) => file.path);
  for (const name of ["LICENSE", "README.md", "CHANGELOG.md", "dist/lib/index.js", "dist/lib/index.d.ts"]) {
    check(files.includes(name), `${name} is in the package`, files);
  }
  const foreign = files.filter((name) => /\.test\.|^(?!dist\/).*\.ts$|(?<!\.d)\.ts$|\/start\//.test(name));
  check(foreign.length === 0, "neither sources nor tests are in the package", foreign);
  return path.join(place, packed.filename);
}

/** A pipeline whose rows do not fit its lake: it must not compile, and nothing else may be wrong. */
const WRONG = `
import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { views } from "./pipeline.ts";
const wrong = lake("wrong", { page: text, windowStart: timestamp, windowEnd: timestamp, vistis: bigint });
export default pipeline("wrong", (flow) => {
  flow.from(views).byKey.window("minutes", tumbling({ minutes: 1 })).aggregate({ visits: count() }).to(wrong);
});
void kinesis;
`;

async function refusesWrongPipelines(): Promise<void> {
  await writeFile(path.join(project, "wrong.ts"), WRONG);
  // With the declarations of the package checked too, which is seldom done by projects.
  const errors = await run(project, "failure", "npx", "tsc", "--skipLibCheck", "false");
  check(/^wrong\.ts\(6,/m.test(errors), "a pipeline whose rows do not fit does not compile", errors);
  check(errors.match(/error TS/g)?.length === 1, "that is the only error", errors);
  await rm(path.join(project, "wrong.ts"));
}

/** What plain Node gets, without a TypeScript loader. */
async function importsEverything(): Promise<void> {
  const names = [
    "millrace",
    "millrace/lambda",
    "millrace/views",
    "millrace/replication",
    "millrace/cdk",
    "millrace/testing",
    "millrace/producer",
    "millrace/local",
  ];
  const program = `for (const name of ${JSON.stringify(names)}) console.log(name, Object.keys(await import(name)).length)`;
  const told = await run(project, 0, process.execPath, "--input-type=module", "--eval", program);
  for (const name of names) check(new RegExp(`^${name} [1-9]`, "m").test(told), `${name} has exports`, told);
}

try {
  const tarball = await pack();
  let told = "";
  for (const step of guideSteps(path.join(ROOT, "docs/getting-started.md"))) {
    if (step.kind === "file") await writeFile(path.join(project, step.name), step.text);
    else
      told = await run(
        step.text.startsWith("mkdir") ? directory : project,
        0,
        "bash",
        "-euo",
        "pipefail",
        "-c",
        step.text,
      );
  }
  check(told.split("\n").includes("/ had 2 views"), "a row came out of the local stack", told);
  await refusesWrongPipelines();
  await importsEverything();
  await run(ROOT, 0, local("publint"), "run", tarball, "--strict");
  await run(ROOT, 0, local("attw"), tarball, "--profile", "esm-only");
  console.log("The package is packed, installed, compiled, tested, synthesized and run by a project of its own.");
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
