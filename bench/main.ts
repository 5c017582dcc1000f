import { counts } from "./counts/counts.ts";
import { bill } from "./bill/bill.ts";
import { cost } from "./cost/cost.ts";
import { bundle } from "./bundle/bundle.ts";
import { engine } from "./engine/engine.ts";
import { catchUp } from "./latency/catch-up.ts";
import { latency } from "./latency/latency.ts";
import { catchUpLive } from "./latency/live/catch-up-live.ts";
import { latencyLive } from "./latency/live/live.ts";
import { local } from "./local/local.ts";
import { nexmark } from "./nexmark/peers/nexmark.ts";
import { report } from "./report.ts";
import { state } from "./state/state.ts";

/**
 * `npm run bench -- NAME`: a comparison that anyone can run again. It installs what it compares with, checks that both
 * sides give the same answer, and then prints what they took and writes it to bench/results/. `report` makes
 * docs/performance.md and docs/cost.md of what is there.
 */
const COMPARISONS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  engine,
  cost,
  bill,
  counts,
  state,
  latency,
  "latency-live": latencyLive,
  "catch-up": catchUp,
  "catch-up-live": catchUpLive,
  local,
  bundle,
  nexmark,
  report,
};

const [name = "", ...args] = process.argv.slice(2);
const comparison = COMPARISONS[name];
if (comparison === undefined) throw new Error(`Say which: ${Object.keys(COMPARISONS).join(", ")}.`);
await comparison(args);
