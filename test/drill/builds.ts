import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { App, Stack } from "aws-cdk-lib";
import { MillracePipeline } from "millrace/cdk";
import { departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import { flightDelays } from "./pipeline.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The stack's name in the runbook. */
export const STACK = "flight-delays-prod";

export type Build = "first" | "lenient" | "strict" | "broken";

/** Synthesizes a build's stack. @returns the template's path */
export async function synthesized(build: Build, directory: string): Promise<string> {
  process.env["CDK_VALIDATION"] = "false";
  const app = new App({ outdir: await mkdtemp(path.join(directory, `${build}-`)) });
  new MillracePipeline(new Stack(app, STACK), "Pipeline", {
    pipeline: flightDelays(departure),
    handler: `test/drill/builds/${build}.ts`,
    projectRoot: ROOT,
    stream: { shards: 1 },
    alarms: { iteratorAge: { minutes: 5 } },
    // A tick that fails comes again after six times as long.
    function: { memory: 512, timeout: { seconds: 3 } },
  });
  return path.join(app.synth().directory, `${STACK}.template.json`);
}
