import { readResult, type Result } from "./harness/results.ts";

export const MADE =
  "<!-- Made by `npm run bench -- report` from bench/results: change the script, or measure again. -->";

/** What was run, on what; and in the end what the figures leave out. */
export function section<T>(comparison: string, title: string, body: (figures: T) => string): string {
  const result = readResult<T>(comparison);
  if (result === undefined) return `## ${title}\n\nNot measured yet: \`npm run bench -- ${comparison}\`.\n`;
  return `## ${title}

${facts(result)}

${body(result.figures)}

In one line: ${result.line}.

Not measured:

${result.notMeasured.map((one) => `- ${one}`).join("\n")}
`;
}

function facts({ command, date, machine, versions }: Result<unknown>): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `\`${command}\`, ${date}, on ${machine.cores} cores of an ${machine.model} with ${machine.memoryGigabytes} GB, shared with other
work; Node ${machine.node}, ${machine.platform}${named.length > 0 ? `; ${named.join(", ")}` : ""}.`;
}

export const list = (entries: readonly { readonly name: string; readonly about: string }[]): string =>
  entries.map(({ name, about }) => `- **${name}**: ${about}`).join("\n");
