import { readFileSync } from "node:fs";

/** What a guide has its reader do next: write a file, or run commands. */
export type GuideStep =
  | { readonly kind: "file"; readonly name: string; readonly text: string }
  | { readonly kind: "commands"; readonly text: string };

/** The blocks of a guide that name a file (` ```ts pipeline.ts `), and its `sh` blocks; those of `sh account` need one, and are left out. */
export function guideSteps(path: string): readonly GuideStep[] {
  const blocks = [...readFileSync(path, "utf8").matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```/gm)];
  return blocks.flatMap(([, language, about, text]): GuideStep[] => {
    if (language === "sh") return about === "" ? [{ kind: "commands", text: text! }] : [];
    return about === "" ? [] : [{ kind: "file", name: about!, text: text! }];
  });
}
