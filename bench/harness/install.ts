import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { run, say, workDirectory } from "./work.ts";

/**
 * Makes a directory by an installer, once for what its description says: installed is what it says now.
 *
 * @param description a file such as pom.xml or requirements.txt
 */
function installed(name: string, description: string, install: (into: string) => void): string {
  const wanted = createHash("sha256").update(readFileSync(description)).digest("hex").slice(0, 12);
  const directory = path.join(workDirectory("peers"), `${name}-${wanted}`);
  if (existsSync(directory)) return directory;
  say(`installing ${name}`);
  const unfinished = path.join(workDirectory("peers"), `${name}-unfinished`);
  rmSync(unfinished, { recursive: true, force: true });
  workDirectory("peers", `${name}-unfinished`);
  install(unfinished);
  renameSync(unfinished, directory);
  return directory;
}

/** The jars of a pom.xml, from Maven Central by Maven, which checks their checksums. @returns a class path */
export const jarsOf = (name: string, pom: string): string => {
  const directory = installed(name, pom, (into) => {
    run("mvn", [
      ...["-B", "-q", "--strict-checksums", "-f", pom],
      ...["dependency:copy-dependencies", `-DoutputDirectory=${into}`],
    ]);
  });
  return path.join(directory, "*");
};

/** Compiles Java sources against a class path. @returns the class path with them */
export function compiledJava(name: string, classPath: string, sources: readonly string[]): string {
  const into = workDirectory("classes", name);
  run("javac", ["-proc:none", "-cp", classPath, "-d", into, ...sources]);
  return `${into}${path.delimiter}${classPath}`;
}

/** A virtual environment with a requirements.txt, from PyPI by pip. @returns its Python */
export function pythonWith(name: string, requirements: string): string {
  const directory = installed(name, requirements, (into) => {
    run("python3", ["-m", "venv", into]);
    run(path.join(into, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", requirements]);
  });
  return path.join(directory, "bin/python");
}

/** The packages of a package.json, from npm. @returns the directory */
export const packagesOf = (name: string, description: string): string =>
  installed(name, description, (into) => {
    cpSync(description, path.join(into, "package.json"));
    run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], { cwd: into });
  });

/** `flink-runtime 1.20.5`: the version of a jar in a class path. */
export function jarVersion(classPath: string, artifact: string): string {
  for (const part of classPath.split(path.delimiter).filter((one) => one.endsWith("*"))) {
    for (const jar of readdirSync(path.dirname(part))) {
      const match = new RegExp(`^${artifact}-(\\d.*)\\.jar$`).exec(jar);
      if (match !== null) return match[1]!;
    }
  }
  throw new Error(`There is no ${artifact} in ${classPath}.`);
}
