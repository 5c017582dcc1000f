import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeployedTemplate } from "millrace/cdk";
import { definitionError } from "../lib/errors.ts";

/** Where `npm run deployed` puts the templates that are deployed, one file per stack. */
export const DEPLOYED_DIRECTORY = "cdk.deployed";

export const deployedFile = (root: string, stack: string): string => join(root, DEPLOYED_DIRECTORY, `${stack}.json`);

/**
 * The template of a stack as it is deployed, if it was fetched.
 *
 * @throws definition error `deploy/unreadable` for a file that is no template
 */
export function deployedTemplate(root: string, stack: string): { readonly deployed?: DeployedTemplate } {
  const file = deployedFile(root, stack);
  if (!existsSync(file)) return {};
  try {
    return { deployed: JSON.parse(readFileSync(file, "utf8")) as DeployedTemplate };
  } catch (cause) {
    throw definitionError({
      code: "deploy/unreadable",
      message: `${file} is no JSON.`,
      advice: "Fetch it again: npm run deployed.",
      cause,
    });
  }
}
