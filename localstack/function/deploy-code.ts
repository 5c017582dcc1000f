import { existsSync, statSync } from "node:fs";
import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { LocalStackError } from "../errors.ts";
import { isRecord } from "../template/template-file.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { propertyText } from "../template/property-text.ts";

/**
 * Lays a function's code out as Lambda does in /var/task: a directory of its own, away from this checkout's
 * package.json and node_modules, beside the AWS SDK that the runtime brings along. Gives the directory.
 */
export async function deployCode(resource: ResolvedResource, dataDirectory: string): Promise<string> {
  const taskRoot = join(dataDirectory, "functions", resource.name);
  await rm(taskRoot, { recursive: true, force: true });
  await mkdir(taskRoot, { recursive: true });
  const code = resource.properties["Code"];
  const inline = isRecord(code) ? code["ZipFile"] : undefined;
  if (typeof inline === "string") await writeFile(join(taskRoot, "index.js"), inline);
  else await cp(assetOf(resource, code), taskRoot, { recursive: true });
  checkHandler(resource, taskRoot);
  if (!existsSync(join(taskRoot, "package.json"))) {
    // Without it Node would look for one above and could take a .js bundle for an ES module.
    await writeFile(join(taskRoot, "package.json"), '{ "type": "commonjs" }\n');
  }
  await provideSdk(taskRoot);
  return taskRoot;
}

function assetOf(resource: ResolvedResource, code: unknown): string {
  const key = isRecord(code) ? code["S3Key"] : undefined;
  const path = typeof key === "string" ? resource.assets.get(key) : undefined;
  if (path === undefined || !existsSync(path)) {
    throw new LocalStackError(
      "FunctionCodeMissing",
      `The code of ${resource.logicalId} (${String(key)}) is not among the assets of ${resource.stackName}. Run cdk synth with bundling.`,
    );
  }
  if (!statSync(path).isDirectory()) {
    throw new LocalStackError(
      "FunctionCodeZipped",
      `The code of ${resource.logicalId} is a file (${path}); the local stack runs directories.`,
    );
  }
  return path;
}

/** Code that was not bundled is found here, and not by every invocation failing. */
function checkHandler({ logicalId, properties }: ResolvedResource, taskRoot: string): void {
  const handler = propertyText(properties["Handler"] ?? "index.handler");
  const file = join(taskRoot, handler.slice(0, handler.lastIndexOf(".")));
  if ([".mjs", ".js", ".cjs"].some((extension) => existsSync(file + extension))) return;
  throw new LocalStackError(
    "FunctionCodeMissing",
    `The code of ${logicalId} has no file for its handler ${handler}. Run cdk synth with bundling.`,
  );
}

/** The scopes of the SDK that the Node.js runtimes of Lambda contain. */
const runtimeScopes = ["@aws-sdk", "@smithy"] as const;

async function provideSdk(taskRoot: string): Promise<void> {
  const searched = createRequire(import.meta.url).resolve.paths("@aws-sdk/client-s3") ?? [];
  const modules = searched.find((directory) => existsSync(join(directory, "@aws-sdk")));
  if (modules === undefined) return;
  await mkdir(join(taskRoot, "node_modules"), { recursive: true });
  for (const scope of runtimeScopes) {
    const link = join(taskRoot, "node_modules", scope);
    if (!existsSync(link) && existsSync(join(modules, scope))) await symlink(join(modules, scope), link);
  }
}
