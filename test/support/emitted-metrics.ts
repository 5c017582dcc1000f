import { vi } from "vitest";
import { EmbeddedMetrics } from "../../localstack/function/embedded-metrics.ts";
import type { MetricSeries } from "../../localstack/types.ts";

/** The embedded metrics that are printed in this process from now on, read as CloudWatch reads them. Other lines are dropped. */
export class EmittedMetrics {
  readonly lines: string[] = [];
  #metrics = new EmbeddedMetrics();

  constructor() {
    vi.stubEnv("POWERTOOLS_DEV", "true"); // prints by the console that is there
    vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "false");
    for (const level of ["log", "info", "warn", "error"] as const) {
      vi.spyOn(console, level).mockImplementation((line: string) => {
        this.lines.push(line);
        this.#metrics.take(line);
      });
    }
  }

  /** What was printed since the last call. */
  take(): readonly MetricSeries[] {
    const all = this.#metrics.all();
    this.#metrics = new EmbeddedMetrics();
    return all;
  }
}
