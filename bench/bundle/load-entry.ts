import { pathToFileURL } from "node:url";

// A child's program: MODULE. Loads it as Lambda does, and says what that took: milliseconds of CPU, and of the clock.
const [module] = process.argv.slice(2) as [string];
const cpu = process.cpuUsage();
const wall = performance.now();
await import(pathToFileURL(module).href);
const { user, system } = process.cpuUsage(cpu);
console.log(`\n${JSON.stringify({ cpu: (user + system) / 1_000, wall: performance.now() - wall })}`);
process.exit(0);
