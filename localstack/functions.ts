import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Faults } from "./faults.ts";
import { deployCode } from "./function/deploy-code.ts";
import { EmbeddedMetrics } from "./function/embedded-metrics.ts";
import { FunctionHost } from "./function/function-host.ts";
import { functionSettings, type FunctionEndpoints } from "./function/function-settings.ts";
import { compileEntry, siblingFile } from "./processes/compile-entry.ts";
import type { ResolvedResource } from "./template/resolve-template.ts";
import type { Notice, Usage } from "./types.ts";

/** All functions of the templates, by name. */
export interface Functions {
  readonly hosts: ReadonlyMap<string, FunctionHost>;
  readonly metrics: EmbeddedMetrics;
  usage(): Usage["lambda"];
  stop(): Promise<void>;
}

export interface FunctionsOptions {
  readonly dataDirectory: string;
  readonly endpoints: FunctionEndpoints;
  readonly userQueueOrigin: string;
  readonly faults: Faults;
  readonly onNotice: (notice: Notice) => void;
}

/** Deploys the functions' code; a process is started only when an invocation needs one. */
export async function deployFunctions(
  resources: readonly ResolvedResource[],
  options: FunctionsOptions,
): Promise<Functions> {
  const { dataDirectory, endpoints, userQueueOrigin, faults, onNotice } = options;
  const logs = join(dataDirectory, "logs");
  await mkdir(logs, { recursive: true });
  const entry = compileEntry(
    siblingFile(import.meta.url, "./function/environment-entry"),
    join(dataDirectory, "entries"),
  );
  const metrics = new EmbeddedMetrics();
  const hosts = new Map<string, FunctionHost>();
  await Promise.all(
    resources.map(async (resource) => {
      const taskRoot = await deployCode(resource, dataDirectory);
      const settings = functionSettings(resource, taskRoot, endpoints, userQueueOrigin);
      const logFile = join(logs, `${resource.name}.log`);
      hosts.set(resource.name, new FunctionHost(settings, { entry, taskRoot, logFile, metrics, faults, onNotice }));
    }),
  );
  return {
    hosts,
    metrics,
    usage: () => {
      const total = { invocations: 0, errors: 0, restarts: 0, durationMillis: 0, gigabyteSeconds: 0, payloadBytes: 0 };
      for (const host of hosts.values()) {
        const usage = host.usage();
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += usage[name];
      }
      return total;
    },
    stop: async () => {
      await Promise.all([...hosts.values()].map((host) => host.stop()));
    },
  };
}
