import { parseArgs } from "node:util";
import { CONFIGURATIONS, deepened } from "./configurations.ts";
import type { Configuration } from "./configuration.ts";
import { replay, search } from "./search.ts";

/**
 * Runs every schedule of every configuration, and prints how many there were.
 *
 *     npm run explore
 *     npm run explore -- --deep
 *     npm run explore -- --configuration two-writers --replay 0,3,1
 */
const { values } = parseArgs({
  options: {
    configuration: { type: "string", multiple: true },
    replay: { type: "string" },
    deep: { type: "boolean", default: false },
    "max-states": { type: "string" },
  },
});

const print = (line: string) => process.stdout.write(`${line}\n`);

function chosen(): readonly Configuration[] {
  const names = values.configuration ?? CONFIGURATIONS.map(({ name }) => name);
  return names.map((name) => {
    const configuration = CONFIGURATIONS.find((one) => one.name === name);
    if (configuration === undefined) {
      throw new Error(`No configuration "${name}": there are ${CONFIGURATIONS.map((one) => one.name).join(", ")}`);
    }
    return values.deep ? deepened(configuration) : configuration;
  });
}

/** Seventeen digits say nothing that two do not. */
const rounded = (count: bigint): string =>
  count < 1_000_000n ? count.toLocaleString("en-US") : Number(count).toExponential(1).replace("e+", "e");

const columns = (name: string, ...cells: readonly string[]): string =>
  [name.padEnd(26), ...cells.map((cell) => cell.padStart(11))].join("");

const command = (name: string): string => `npm run explore -- ${values.deep ? "--deep " : ""}--configuration ${name}`;

async function searchAll(configurations: readonly Configuration[]): Promise<number> {
  const limit = values["max-states"] === undefined ? {} : { maxStates: Number(values["max-states"]) };
  const sum = { states: 0, schedules: 0n, violations: 0, cutShort: 0 };
  print(columns("configuration", "states", "steps", "schedules", "seconds"));
  for (const configuration of configurations) {
    const began = performance.now();
    const found = await search(configuration, limit);
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    const counts = [found.states, found.steps].map((count) => count.toLocaleString("en-US"));
    const schedules = found.isCutShort ? "cut short" : found.broken ? "broken" : rounded(found.schedules);
    print(columns(configuration.name, ...counts, schedules, seconds));
    sum.states += found.states;
    sum.schedules += found.schedules;
    if (found.isCutShort) sum.cutShort++;
    if (found.broken === undefined) continue;
    sum.violations++;
    print(`\n  ${found.broken.law}\n`);
    await replay(configuration, found.broken.schedule, (line) => print(`  ${line}`));
    print(`\n  ${command(configuration.name)} --replay ${found.broken.schedule.join()}\n`);
  }
  const cut = sum.cutShort > 0 ? `, cut short ${sum.cutShort}` : "";
  print(
    `\nconfigurations ${configurations.length}, states ${sum.states.toLocaleString("en-US")}, ` +
      `schedules ${rounded(sum.schedules)}${cut}, violations ${sum.violations}`,
  );
  return sum.violations;
}

const configurations = chosen();
if (values.replay === undefined) {
  process.exitCode = (await searchAll(configurations)) === 0 ? 0 : 1;
} else {
  const schedule = values.replay === "" ? [] : values.replay.split(",").map(Number);
  const violation = await replay(configurations[0]!, schedule, print);
  print(violation === undefined ? "\nNo law is broken." : `\n${violation.message}`);
  process.exitCode = violation === undefined ? 0 : 1;
}
