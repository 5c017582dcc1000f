import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface CodeBlock {
  /** File and line, for messages. */
  readonly at: string;
  readonly code: string;
}

const filesBelow = (folder: string, ending: string): string[] =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending) && !name.includes("node_modules"))
    .map((name) => path.join(folder, name));

/** Blocks marked `ts` in the README and all other documents. */
export function documentBlocks(): CodeBlock[] {
  const files = [
    "README.md",
    ...["docs", "lib", "localstack", "functions", "infra", "bench"].flatMap((folder) => filesBelow(folder, ".md")),
  ];
  return files.flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), "utf8");
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => ({
      at: place(file, text, match.index),
      code: match[1]!,
    }));
  });
}

/** The `@example` of every doc comment in lib/. */
export function docstringExamples(): CodeBlock[] {
  return filesBelow("lib", ".ts").flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), "utf8");
    return [...text.matchAll(/^ *\* @example\n((?: *\*(?! @).*\n)+)/gm)].map((match) => ({
      at: place(file, text, match.index),
      code: match[1]!
        .replaceAll(/^ *\*\/.*$/gm, "")
        .replaceAll(/^ *\* ?/gm, "")
        .trim(),
    }));
  });
}

const place = (file: string, text: string, index: number): string =>
  `${file}:${text.slice(0, index).split("\n").length}`;
