import type { Pipeline } from "millrace";
import flightDelays from "../functions/aggregate-flight-delays/pipeline.ts";
import accounts from "../functions/keep-accounts/pipeline.ts";
import routes from "../functions/rank-routes/pipeline.ts";
import earthquakes from "../functions/track-earthquakes/pipeline.ts";

export interface DeployedPipeline {
  readonly pipeline: Pipeline;
  /** Path of the function's module from the project's root. */
  readonly handler: string;
}

/** What is deployed: one line per pipeline. */
export const pipelines: readonly DeployedPipeline[] = [
  { pipeline: flightDelays, handler: "functions/aggregate-flight-delays/handler.ts" },
  { pipeline: routes, handler: "functions/rank-routes/handler.ts" },
  { pipeline: earthquakes, handler: "functions/track-earthquakes/handler.ts" },
  { pipeline: accounts, handler: "functions/keep-accounts/handler.ts" },
];
