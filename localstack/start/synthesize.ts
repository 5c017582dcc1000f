import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface SynthesisOptions {
  /** The project's root. */
  readonly root: URL;
  /** Where the templates go. */
  readonly directory: string;
  /** The pipeline's name: what the stack's output `Pipeline` says. */
  readonly pipeline: string;
  readonly shards: number;
  readonly signal: AbortSignal;
}

/**
 * Runs the CDK app, as `cdk synth` and `cdk deploy` do, in a process of its own.
 *
 * @returns the path of the template of the pipeline's stack
 */
export async function synthesize({ root, directory, pipeline, shards, signal }: SynthesisOptions): Promise<string> {
  const app = spawn(process.execPath, ["--import", "tsx", "infra/app.ts"], {
    cwd: fileURLToPath(root),
    env: {
      ...process.env,
      CDK_OUTDIR: directory,
      // CDK's own validation takes seconds and is for what is deployed; cdk-nag's checks run all the same.
      CDK_VALIDATION: "false",
      CDK_CONTEXT_JSON: JSON.stringify({ environment: "dev", shards: String(shards) }),
    },
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  let said = "";
  for (const stream of [app.stdout, app.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = (await once(app, "close")) as [number | null];
  if (code !== 0) throw new Error(`The CDK app (infra/app.ts) failed with code ${String(code)}:\n${said.trim()}`);

  const templates = (await readdir(directory)).filter((name) => name.endsWith(".template.json"));
  for (const name of templates) {
    const file = path.join(directory, name);
    const template = JSON.parse(await readFile(file, "utf8")) as {
      readonly Outputs?: { readonly Pipeline?: { readonly Value?: unknown } };
    };
    if (template.Outputs?.Pipeline?.Value === pipeline) return file;
  }
  throw new Error(
    `The CDK app has no stack of the pipeline "${pipeline}" (it has ${templates.join(", ")}). Add its line to infra/pipelines.ts.`,
  );
}
