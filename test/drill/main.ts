import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { alarmsOf, commandsOf, sectionFor } from "./runbook.ts";
import { LEFT_OUT, SCENARIOS, type Scenario } from "./scenarios.ts";
import { Site } from "./site.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/**
 * `npm run drill`: provokes each alarm of docs/operations.md on a local stack, does what its section says, word for word, and
 * sees that the alarm is over and no record was lost or counted twice.
 */
async function drill(): Promise<boolean> {
  const document = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const alarms = alarmsOf(document);
  const covered = new Set([...SCENARIOS.map(({ alarm }) => alarm), ...Object.keys(LEFT_OUT)]);
  const forgotten = alarms.filter((alarm) => !covered.has(alarm));
  if (forgotten.length > 0) throw new Error(`Neither drilled nor left out: ${forgotten.join(", ")}.`);
  const directory = await mkdtemp(path.join(tmpdir(), "millrace-drill-"));
  const site = await Site.open(directory);
  const terminal = openTerminal(site.stack.environment);
  let cleared = 0;
  try {
    await terminal.run(commandsOf(document, "Alarms"), async () => undefined);
    const only = process.argv.slice(2);
    for (const scenario of SCENARIOS.filter(
      ({ alarm }) => only.length === 0 || only.some((part) => alarm.includes(part)),
    )) {
      await drilled(scenario, site, terminal, document);
      cleared += 1;
    }
    console.log(`accounts   ${await site.settle()}`);
  } finally {
    terminal.close();
    await site.close();
    await rm(directory, { recursive: true, force: true });
  }
  for (const [alarm, why] of Object.entries(LEFT_OUT)) console.log(`left out   ${alarm}: ${why}`);
  console.log(`${SCENARIOS.length} alarms provoked, ${cleared} cleared, ${Object.keys(LEFT_OUT).length} left out`);
  return cleared === SCENARIOS.length;
}

/** Minutes after which nothing of the drill before is left in an alarm. */
const AGO = 40;

async function drilled(scenario: Scenario, site: Site, terminal: Terminal, document: string): Promise<void> {
  const { alarm, provoke, each, minutes = 1, mended = "first", then, over } = scenario;
  const section = sectionFor(document, alarm);
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1_000).toFixed(1);
  await site.stack.runSchedules(); // as every six hours: AGO and what came before may be as long
  if ((await site.passed(alarm, AGO)) === "ALARM") throw new Error(`${alarm} was raised before.`);
  await provoke(site);
  await site.untilRaised(alarm, minutes, async () => each?.(site));
  await scenario.raised?.(site);
  const raised = seconds();
  const commands = commandsOf(document, section);
  if (commands.length === 0 && then === undefined) throw new Error(`"${section}" has no command.`);
  await terminal.run(commands, () => site.deploy(mended));
  await then?.(site);
  await site.live.committed();
  await site.passed(alarm, 1); // what failed until now
  if ((await site.passed(alarm, over)) !== "OK")
    throw new Error(`"${section}" was followed, and ${alarm} is still raised.`);
  console.log(`cleared    ${alarm.padEnd(26)} raised after ${raised} s, over after ${seconds()} s · ${section}`);
}

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
try {
  process.exit((await drill()) ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
