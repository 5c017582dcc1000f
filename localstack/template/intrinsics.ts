import { LocalStackError } from "../errors.ts";
import { account } from "./account.ts";
import { isRecord } from "./template-file.ts";

/** What the functions of a template need to know of the world around a value. */
export interface Scope {
  /** Names the template in errors. */
  readonly where: string;
  /** What `Ref` gives for a resource or parameter; undefined if there is none of that name. */
  ref(name: string): unknown;
  attribute(logicalId: string, attribute: string): unknown;
  condition(name: string): boolean;
  mapping(name: string): unknown;
  importValue(exportName: string): unknown;
}

/** Stands for `AWS::NoValue`: the property is as if it were not there. */
const noValue = Symbol("AWS::NoValue");

/** The value with every CloudFormation function replaced by what it gives. */
export function resolveIntrinsics(value: unknown, scope: Scope): unknown {
  const resolved = resolve(value, scope);
  return resolved === noValue ? undefined : resolved;
}

function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((element) => resolve(element, scope)).filter((element) => element !== noValue);
  }
  if (!isRecord(value)) return value;
  const keys = Object.keys(value);
  const only = keys.length === 1 ? keys[0] : undefined;
  if (only !== undefined) {
    const run = functions[only];
    if (run !== undefined) return run(value[only], scope);
    if (only.startsWith("Fn::")) {
      throw new LocalStackError(
        "TemplateFunctionUnknown",
        `${scope.where} uses ${only}, which the local stack does not resolve.`,
      );
    }
  }
  const result: Record<string, unknown> = {};
  for (const key of keys) {
    const resolved = resolve(value[key], scope);
    if (resolved !== noValue) result[key] = resolved;
  }
  return result;
}

type IntrinsicFunction = (argument: unknown, scope: Scope) => unknown;

const functions: Readonly<Record<string, IntrinsicFunction | undefined>> = {
  Ref: (name, scope) => reference(text(name, "Ref", scope), scope),
  "Fn::GetAtt": (argument, scope) => {
    const parts = typeof argument === "string" ? splitOnce(argument, ".") : list(argument, "Fn::GetAtt", scope);
    return scope.attribute(text(parts[0], "Fn::GetAtt", scope), text(resolve(parts[1], scope), "Fn::GetAtt", scope));
  },
  "Fn::Join": (argument, scope) => {
    const [separator, parts] = list(argument, "Fn::Join", scope);
    const resolved = list(resolve(parts, scope), "Fn::Join", scope);
    return resolved.map((part) => text(part, "Fn::Join", scope)).join(text(separator, "Fn::Join", scope));
  },
  "Fn::Sub": substitute,
  "Fn::Select": (argument, scope) => {
    const [index, from] = list(argument, "Fn::Select", scope);
    const chosen = list(resolve(from, scope), "Fn::Select", scope)[Number(resolve(index, scope))];
    if (chosen === undefined) throw wrong("Fn::Select", scope);
    return chosen;
  },
  "Fn::Split": (argument, scope) => {
    const [separator, from] = list(argument, "Fn::Split", scope);
    return text(resolve(from, scope), "Fn::Split", scope).split(text(separator, "Fn::Split", scope));
  },
  "Fn::If": (argument, scope) => {
    const [name, whenTrue, whenFalse] = list(argument, "Fn::If", scope);
    return resolve(scope.condition(text(name, "Fn::If", scope)) ? whenTrue : whenFalse, scope);
  },
  "Fn::Equals": (argument, scope) => {
    const [left, right] = list(resolve(argument, scope), "Fn::Equals", scope);
    return JSON.stringify(left) === JSON.stringify(right);
  },
  "Fn::And": (argument, scope) => list(argument, "Fn::And", scope).every((part) => resolve(part, scope) === true),
  "Fn::Or": (argument, scope) => list(argument, "Fn::Or", scope).some((part) => resolve(part, scope) === true),
  "Fn::Not": (argument, scope) => resolve(list(argument, "Fn::Not", scope)[0], scope) !== true,
  Condition: (name, scope) => (typeof name === "string" ? scope.condition(name) : { Condition: resolve(name, scope) }),
  "Fn::FindInMap": (argument, scope) => {
    const [map, first, second] = list(resolve(argument, scope), "Fn::FindInMap", scope);
    const top = scope.mapping(text(map, "Fn::FindInMap", scope));
    const middle = isRecord(top) ? top[text(first, "Fn::FindInMap", scope)] : undefined;
    const found = isRecord(middle) ? middle[text(second, "Fn::FindInMap", scope)] : undefined;
    if (found === undefined) throw wrong("Fn::FindInMap", scope);
    return found;
  },
  "Fn::ImportValue": (argument, scope) => scope.importValue(text(resolve(argument, scope), "Fn::ImportValue", scope)),
  "Fn::Base64": (argument, scope) =>
    Buffer.from(text(resolve(argument, scope), "Fn::Base64", scope), "utf8").toString("base64"),
  "Fn::GetAZs": () => ["a", "b", "c"].map((zone) => account.region + zone),
  "Fn::ToJsonString": (argument, scope) => JSON.stringify(resolve(argument, scope)),
  "Fn::Length": (argument, scope) => list(resolve(argument, scope), "Fn::Length", scope).length,
};

const pseudoParameters: Readonly<Record<string, unknown>> = {
  "AWS::Region": account.region,
  "AWS::AccountId": account.id,
  "AWS::Partition": account.partition,
  "AWS::URLSuffix": account.urlSuffix,
  "AWS::NotificationARNs": [],
  "AWS::NoValue": noValue,
};

function reference(name: string, scope: Scope): unknown {
  const pseudo = pseudoParameters[name];
  if (pseudo !== undefined) return pseudo;
  const value = scope.ref(name);
  if (value === undefined) {
    throw new LocalStackError(
      "TemplateReferenceUnknown",
      `${scope.where} refers to ${name}, which it does not define.`,
    );
  }
  return value;
}

function substitute(argument: unknown, scope: Scope): string {
  const [pattern, variables] = typeof argument === "string" ? [argument, {}] : list(argument, "Fn::Sub", scope);
  const own = isRecord(variables) ? variables : {};
  return text(pattern, "Fn::Sub", scope).replace(/\$\{(!?)([^}]+)\}/g, (_match, literal: string, name: string) => {
    if (literal === "!") return `\${${name}}`;
    const value = Object.hasOwn(own, name)
      ? resolve(own[name], scope)
      : name.includes(".")
        ? functions["Fn::GetAtt"]?.(name, scope)
        : reference(name, scope);
    return text(value, "Fn::Sub", scope);
  });
}

function splitOnce(value: string, separator: string): readonly string[] {
  const at = value.indexOf(separator);
  return at < 0 ? [value] : [value.slice(0, at), value.slice(at + separator.length)];
}

function text(value: unknown, name: string, scope: Scope): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw wrong(name, scope);
}

function list(value: unknown, name: string, scope: Scope): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw wrong(name, scope);
}

function wrong(name: string, scope: Scope): LocalStackError {
  return new LocalStackError(
    "TemplateFunctionInvalid",
    `${scope.where}: ${name} has an argument it cannot take. Synthesize again.`,
  );
}
