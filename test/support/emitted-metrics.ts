import { vi } from "vitest";
import { takeEmbedded } from "../../localstack/metrics/embedded.ts";
import { Metrics } from "../../localstack/metrics/metrics.ts";
import type { MetricSeries } from "../../localstack/types.ts";

/** The embedded metrics that are printed in this process from now on, read as CloudWatch reads them. Other lines are dropped. */
export class EmittedMetrics {
  /** Each of the runtime's metrics once, as `name | unit | dimensions`. */
  readonly described = new Set<string>();
  #metrics = new Metrics();

  constructor() {
    vi.stubEnv("POWERTOOLS_DEV", "true"); // prints by the console that is there
    vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "false");
    for (const level of ["log", "info", "warn", "error"] as const) {
      vi.spyOn(console, level).mockImplementation((line: string) => {
        this.#describe(line);
        takeEmbedded(line, this.#metrics);
      });
    }
  }

  /** What was printed since the last call. */
  take(): readonly MetricSeries[] {
    const all = this.#metrics.all();
    this.#metrics = new Metrics();
    return all;
  }

  #describe(line: string): void {
    const { _aws } = JSON.parse(line) as { readonly _aws?: Envelope };
    for (const { Namespace, Dimensions, Metrics } of _aws?.CloudWatchMetrics ?? []) {
      if (Namespace !== "Millrace") continue; // a pipeline's own
      for (const { Name, Unit } of Metrics) this.described.add(`${Name} | ${Unit} | ${Dimensions.flat().join(", ")}`);
    }
  }
}

interface Envelope {
  readonly CloudWatchMetrics: readonly {
    readonly Namespace: string;
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
  }[];
}
