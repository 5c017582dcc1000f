import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// A child's program: MODULE EVENTS. Starts a bundled handler as Lambda does and gives it two events, the lines of a file.
const [module, events] = process.argv.slice(2) as [string, string];

type Handler = (event: unknown, context: unknown) => Promise<{ readonly batchItemFailures: readonly unknown[] }>;

/** Milliseconds since the process began: of its CPU, of the clock. */
const now = () => {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1_000, wall: performance.now() };
};

// What talks to the emulators alone: a function's endpoints speak https, for which the SDK does not load this. On Node 22 to
// import it takes 30 ms, as its exports are read one by one, and one of them loads fetch.
await import("node:http");
const lines = readFileSync(events, "utf8").trimEnd().split("\n");
const context = { functionName: "bench", awsRequestId: "bench", getRemainingTimeInMillis: () => 60_000 };
const marks = [now()];
const { handler } = (await import(pathToFileURL(module).href)) as { readonly handler: Handler };
marks.push(now());
for (const line of lines) {
  const { batchItemFailures } = await handler(JSON.parse(line), context);
  if (batchItemFailures.length > 0) throw new Error("A batch has failed.");
  marks.push(now());
}
console.log(`\n${JSON.stringify(marks)}`);
process.exit(0);
