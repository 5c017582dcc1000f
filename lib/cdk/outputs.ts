import { CfnOutput } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { refuseSetting } from "../connectors/limits.ts";

/** A name as part of an output's: `hourly_delays` is `HourlyDelays`. */
export const pascalCase = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

/** A stack's outputs, under names that can be relied on. */
export class Outputs {
  readonly #scope: Construct;
  readonly #prefix: string;
  readonly #names = new Set<string>();

  constructor(scope: Construct, prefix: string) {
    if (!/^[A-Za-z0-9]*$/.test(prefix)) {
      throw refuseSetting(
        "MillracePipeline.outputPrefix",
        JSON.stringify(prefix),
        "Outputs have letters and digits only.",
      );
    }
    this.#scope = scope;
    this.#prefix = prefix;
  }

  add(name: string, value: string, description: string): void {
    const full = this.#prefix + name;
    if (this.#names.has(full)) throw refuseSetting(`The output ${full}`, "there twice", "Rename a source or a lake.");
    this.#names.add(full);
    new CfnOutput(this.#scope, `Output${name}`, { value, description }).overrideLogicalId(full);
  }
}
