import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { LocalStackError, reasonOf } from "../errors.ts";

/** A resource as the template has it, intrinsics and all. */
export interface RawResource {
  readonly type: string;
  readonly condition: string | undefined;
  readonly properties: unknown;
}

/** One synthesized template with what lies beside it. */
export interface TemplateFile {
  readonly path: string;
  readonly stackName: string;
  readonly resources: ReadonlyMap<string, RawResource>;
  readonly outputs: ReadonlyMap<string, Record<string, unknown>>;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly mappings: Readonly<Record<string, unknown>>;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Directories (or files) of assets by the object key that the template uses for them. */
  readonly assets: ReadonlyMap<string, string>;
}

export function readTemplateFile(path: string): TemplateFile {
  const document = readJson(path);
  const suffix = ".template.json";
  const name = basename(path);
  const stackName = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name.replace(/\.json$/, "");
  const resources = new Map<string, RawResource>();
  for (const [logicalId, resource] of Object.entries(section(document, "Resources"))) {
    if (!isRecord(resource) || typeof resource["Type"] !== "string") {
      throw new LocalStackError("TemplateInvalid", `${path}: the resource ${logicalId} has no Type. Synthesize again.`);
    }
    const condition = resource["Condition"];
    resources.set(logicalId, {
      type: resource["Type"],
      condition: typeof condition === "string" ? condition : undefined,
      properties: resource["Properties"] ?? {},
    });
  }
  const outputs = new Map<string, Record<string, unknown>>();
  for (const [output, value] of Object.entries(section(document, "Outputs"))) {
    if (isRecord(value)) outputs.set(output, value);
  }
  return {
    path,
    stackName,
    resources,
    outputs,
    conditions: section(document, "Conditions"),
    mappings: section(document, "Mappings"),
    parameters: section(document, "Parameters"),
    assets: readAssets(join(dirname(path), `${stackName}.assets.json`)),
  };
}

/** A CDK asset manifest: every file's object key, and the directory it is made from. */
function readAssets(manifestPath: string): ReadonlyMap<string, string> {
  const assets = new Map<string, string>();
  let manifest: Record<string, unknown>;
  try {
    manifest = readJson(manifestPath);
  } catch (error) {
    if (error instanceof LocalStackError && error.code === "TemplateUnreadable") return assets;
    throw error;
  }
  for (const file of Object.values(section(manifest, "files"))) {
    const source = isRecord(file) ? file["source"] : undefined;
    const destinations = isRecord(file) ? file["destinations"] : undefined;
    if (!isRecord(source) || typeof source["path"] !== "string" || !isRecord(destinations)) continue;
    for (const destination of Object.values(destinations)) {
      const key = isRecord(destination) ? destination["objectKey"] : undefined;
      if (typeof key === "string") assets.set(key, resolve(dirname(manifestPath), source["path"]));
    }
  }
  return assets;
}

function readJson(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new LocalStackError(
      "TemplateUnreadable",
      `${path} cannot be read (${reasonOf(error)}). Run cdk synth first.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LocalStackError("TemplateInvalid", `${path} is not JSON: ${reasonOf(error)}`);
  }
  if (!isRecord(value)) throw new LocalStackError("TemplateInvalid", `${path} does not hold a JSON object.`);
  return value;
}

function section(document: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = document[name];
  return isRecord(value) ? value : {};
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
