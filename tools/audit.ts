import { spawnSync } from "node:child_process";

/**
 * Asks the registry for known weaknesses of what the package brings along: `npm run audit`. Ends with 1 at one that is
 * high or critical. A registry that cannot be asked is no finding: it is said, and ends with 0.
 */

interface Report {
  /** Why there is none. */
  readonly message?: string;
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
}

function reportOf(text: string): Report {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return {};
  }
}

const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { encoding: "utf8" });
const { message, metadata, vulnerabilities = {} } = reportOf(stdout);
if (metadata === undefined) {
  // Which registry that is, is nobody else's business.
  const why = message?.replaceAll(/\bhttps?:\/\/\S+/g, "it") ?? "it gave no answer";
  console.log(`The registry cannot be asked, so nothing is known: ${why}`);
} else {
  const grave = Object.entries(vulnerabilities).filter(([, { severity }]) => /^(high|critical)$/.test(severity));
  for (const [name, { severity, range }] of grave) console.error(`${severity}: ${name} ${range}`);
  console.log(`${grave.length} high or critical among what the package brings along.`);
  if (grave.length > 0) process.exitCode = 1;
}
