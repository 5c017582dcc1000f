import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Faults } from "./faults.ts";
import { deployCode } from "./function/deploy-code.ts";
import { FunctionHost } from "./function/function-host.ts";
import { functionSettings, type FunctionEndpoints } from "./function/function-settings.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { compileEntry, siblingFile } from "./processes/compile-entry.ts";
import type { ResolvedResource } from "./template/resolve-template.ts";
import type { Notice, Usage } from "./types.ts";

/** All functions of the templates, by name. */
export interface Functions {
  readonly hosts: ReadonlyMap<string, FunctionHost>;
  /** Puts other code and settings in place: what is begun ends with the old ones. */
  update(resources: readonly ResolvedResource[]): Promise<void>;
  usage(): Usage["lambda"];
  stop(): Promise<void>;
}

export interface FunctionsOptions {
  readonly dataDirectory: string;
  readonly endpoints: FunctionEndpoints;
  readonly userQueueOrigin: string;
  readonly faults: Faults;
  /** Takes what functions print and what Lambda counts of them. */
  readonly metrics: Metrics;
  readonly onNotice: (notice: Notice) => void;
}

/** Deploys the functions' code; a process is started only when an invocation needs one. */
export async function deployFunctions(
  resources: readonly ResolvedResource[],
  options: FunctionsOptions,
): Promise<Functions> {
  const { dataDirectory, endpoints, userQueueOrigin, faults, metrics, onNotice } = options;
  const logs = join(dataDirectory, "logs");
  await mkdir(logs, { recursive: true });
  const entry = compileEntry(
    siblingFile(import.meta.url, "./function/environment-entry"),
    join(dataDirectory, "entries"),
  );
  const hosts = new Map<string, FunctionHost>();
  const codeOf = async (resource: ResolvedResource, directory: string) => {
    const taskRoot = await deployCode(resource, directory);
    return { taskRoot, settings: functionSettings(resource, taskRoot, endpoints, userQueueOrigin) };
  };
  let updates = 0;
  await Promise.all(
    resources.map(async (resource) => {
      const { taskRoot, settings } = await codeOf(resource, dataDirectory);
      const logFile = join(logs, `${resource.name}.log`);
      hosts.set(resource.name, new FunctionHost(settings, { entry, taskRoot, logFile, metrics, faults, onNotice }));
    }),
  );
  return {
    hosts,
    update: async (changed) => {
      const directory = join(dataDirectory, `update-${++updates}`); // the old code is still being run
      for (const resource of changed) {
        const { taskRoot, settings } = await codeOf(resource, directory);
        hosts.get(resource.name)?.update(settings, taskRoot);
      }
    },
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
