import { parseArgs } from "node:util";
import { UsageError } from "../start/options.ts";

export interface Options {
  /** An emulator that runs already; undefined starts one. */
  readonly endpoint: string | undefined;
  readonly help: boolean;
}

export const HELP = `npm run test:localstack -- [--endpoint URL]

Deploys the pipeline flight-delays with the CDK to ministack, an emulator of AWS, pushes departures, deploys a changed
version meanwhile, compares the rows with DuckDB's answer, checks dead letters, Parquet, metrics and alarms, and destroys
the stack. Installs ministack below .millrace/ (Python 3.10 or later; no Docker) and runs it on a free port of 127.0.0.1.

  --endpoint URL    use the ministack that runs there already, as localstack/compose.yaml starts it
  --help            this text

Exit code 0: every check passed. 1: one did not, or the run failed. 2: the command line is wrong, or Python is missing.
130: Ctrl-C.
`;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  let values: { readonly endpoint?: string | undefined; readonly help?: boolean | undefined };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { endpoint: { type: "string" }, help: { type: "boolean", short: "h" } },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`);
  }
  const { endpoint, help = false } = values;
  if (endpoint !== undefined && !/^http:\/\/(127\.0\.0\.1|localhost):\d+$/.test(endpoint))
    throw new UsageError(`--endpoint is an emulator on this machine, http://127.0.0.1:4566, not "${endpoint}".`);
  return { endpoint, help };
}
