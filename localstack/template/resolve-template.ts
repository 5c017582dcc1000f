import { LocalStackError } from "../errors.ts";
import type { StackResource } from "../types.ts";
import { arnOf } from "./account.ts";
import { identityOf, type Identity } from "./identities.ts";
import { resolveIntrinsics, type Scope } from "./intrinsics.ts";
import { isRecord, type RawResource, type TemplateFile } from "./template-file.ts";

/** A resource resolved, with where it came from. */
export interface ResolvedResource extends StackResource {
  readonly name: string;
  readonly stackName: string;
  /** Assets of the template it is in, by object key. */
  readonly assets: ReadonlyMap<string, string>;
}

export interface ResolvedTemplates {
  readonly resources: readonly ResolvedResource[];
  /** Of all stacks, by name. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly stacks: readonly { readonly name: string; readonly outputs: Readonly<Record<string, string>> }[];
}

/** Every template with its functions resolved; they may import each other's exports. */
export function resolveTemplates(files: readonly TemplateFile[], queueOrigin: string): ResolvedTemplates {
  const exports = new Map<string, () => unknown>();
  const templates = files.map((file) => new Template(file, queueOrigin, exports));
  for (const template of templates) template.announceExports(exports);
  const stacks = templates.map((template, i) => ({ name: files[i]!.stackName, outputs: template.outputs() }));
  return {
    resources: templates.flatMap((template) => template.resources()),
    outputs: Object.assign({}, ...stacks.map(({ outputs }) => outputs)) as Record<string, string>,
    stacks,
  };
}

class Template {
  private readonly file: TemplateFile;
  private readonly queueOrigin: string;
  private readonly scope: Scope;
  private readonly identities = new Map<string, Identity>();
  private readonly beingNamed = new Set<string>();

  constructor(file: TemplateFile, queueOrigin: string, exports: ReadonlyMap<string, () => unknown>) {
    this.file = file;
    this.queueOrigin = queueOrigin;
    this.scope = {
      where: file.path,
      ref: (name) => this.reference(name),
      attribute: (logicalId, attribute) => this.attribute(logicalId, attribute),
      condition: (name) => this.condition(name),
      mapping: (name) => file.mappings[name],
      importValue: (name) => {
        const value = exports.get(name);
        if (value === undefined) {
          throw new LocalStackError(
            "TemplateImportUnknown",
            `${file.path} imports ${name}, which none of the given templates exports. Give that template too.`,
          );
        }
        return value();
      },
    };
  }

  announceExports(exports: Map<string, () => unknown>): void {
    for (const output of this.file.outputs.values()) {
      const declared = output["Export"];
      if (!isRecord(declared)) continue;
      const name = resolveIntrinsics(declared["Name"], this.scope);
      exports.set(String(name), () => resolveIntrinsics(output["Value"], this.scope));
    }
  }

  resources(): readonly ResolvedResource[] {
    const resolved: ResolvedResource[] = [];
    for (const [logicalId, raw] of this.file.resources) {
      if (!this.exists(raw)) continue;
      const identity = this.identity(logicalId, raw);
      const properties = resolveIntrinsics(raw.properties, this.scope);
      resolved.push({
        logicalId,
        type: raw.type,
        name: identity.name,
        ref: identity.ref,
        arn: identity.arn,
        properties: isRecord(properties) ? properties : {},
        stackName: this.file.stackName,
        assets: this.file.assets,
      });
    }
    return resolved;
  }

  outputs(): Record<string, string> {
    const outputs: Record<string, string> = {};
    for (const [name, output] of this.file.outputs) {
      const condition = output["Condition"];
      if (typeof condition === "string" && !this.condition(condition)) continue;
      const value = resolveIntrinsics(output["Value"], this.scope);
      outputs[name] = typeof value === "string" ? value : JSON.stringify(value);
    }
    return outputs;
  }

  private exists(raw: RawResource): boolean {
    return raw.condition === undefined || this.condition(raw.condition);
  }

  private reference(name: string): unknown {
    if (name === "AWS::StackName") return this.file.stackName;
    if (name === "AWS::StackId") return arnOf("cloudformation", `stack/${this.file.stackName}/local`);
    const raw = this.file.resources.get(name);
    if (raw !== undefined) return this.identity(name, raw).ref;
    const parameter = this.file.parameters[name];
    // BootstrapVersion and other SSM parameters have a path as default; nothing local reads them.
    return isRecord(parameter) ? (parameter["Default"] ?? "") : undefined;
  }

  private attribute(logicalId: string, attribute: string): unknown {
    const raw = this.file.resources.get(logicalId);
    if (raw === undefined) {
      throw new LocalStackError(
        "TemplateReferenceUnknown",
        `${this.file.path} refers to ${logicalId}, which it does not define.`,
      );
    }
    return this.identity(logicalId, raw).attributes[attribute] ?? `${logicalId}.${attribute}`;
  }

  private condition(name: string): boolean {
    if (!Object.hasOwn(this.file.conditions, name)) {
      throw new LocalStackError(
        "TemplateReferenceUnknown",
        `${this.file.path} uses the condition ${name}, which it does not define.`,
      );
    }
    return resolveIntrinsics(this.file.conditions[name], this.scope) === true;
  }

  private identity(logicalId: string, raw: RawResource): Identity {
    const known = this.identities.get(logicalId);
    if (known !== undefined) return known;
    if (this.beingNamed.has(logicalId)) {
      throw new LocalStackError(
        "TemplateReferenceCircular",
        `${this.file.path}: the name of ${logicalId} depends on itself.`,
      );
    }
    this.beingNamed.add(logicalId);
    const properties = isRecord(raw.properties) ? raw.properties : {};
    const identity = identityOf({
      stackName: this.file.stackName,
      logicalId,
      type: raw.type,
      property: (name) => resolveIntrinsics(properties[name], this.scope),
      queueOrigin: this.queueOrigin,
    });
    this.beingNamed.delete(logicalId);
    this.identities.set(logicalId, identity);
    return identity;
  }
}
