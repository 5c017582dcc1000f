/** A command of the runbook: the lines that one shell runs as one. */
export type Command = string;

/** The commands that a section has for a shell, in their order, each as one line. @throws when there is no such section */
export function commandsOf(document: string, section: string): readonly Command[] {
  const text = sectionOf(document, section);
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block
      .replaceAll(/(?:\\|(?<=\|))\n\s*/g, " ")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#")),
  );
}

function sectionOf(document: string, section: string): string {
  const [, ...sections] = document.split(/^## /m);
  const found = sections.find((one) => one.startsWith(`${section}\n`));
  if (found === undefined) throw new Error(`The runbook has no section "${section}".`);
  return found;
}

/** The section that an alarm's row of the table leads to. */
export function sectionFor(document: string, alarm: string): string {
  const row = document.split("\n").find((line) => line.startsWith(`| \`${alarm}\``));
  const [, title] = /\[([^\]]+)\]\([^)]*\) *\|$/.exec(row ?? "") ?? [];
  if (title === undefined) throw new Error(`The runbook has no row of the alarm ${alarm}.`);
  return title;
}

/** The alarms of the table, as it names them. */
export const alarmsOf = (document: string): readonly string[] =>
  [...document.matchAll(/^\| `([^`]+)` .*\]\(#[^)]*\) *\|$/gm)].map(([, name = ""]) => name);
