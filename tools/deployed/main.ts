import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { CloudFormationClient, GetTemplateCommand, ListStacksCommand } from "@aws-sdk/client-cloudformation";
import { DEPLOYED_DIRECTORY, deployedFile } from "../../infra/deployed.ts";
import { ENVIRONMENT_NAMES } from "../../infra/environment.ts";
import { pipelines } from "../../infra/pipelines.ts";
import { messageOf } from "../../lib/errors.ts";
import { deployedTemplates } from "./templates.ts";

const HELP = `npm run deployed -- ENVIRONMENT

Fetches the templates of the environment's stacks as they are deployed, into ${DEPLOYED_DIRECTORY}/. The next synthesis
compares itself with them, and refuses what would lose state. ENVIRONMENT is ${ENVIRONMENT_NAMES.join(", ")}.
Needs cloudformation:ListStacks and cloudformation:GetTemplate.
`;

/** @returns the exit code */
async function main([environment, ...more]: readonly string[]): Promise<number> {
  if (environment === "--help") {
    process.stdout.write(HELP);
    return 0;
  }
  if (environment === undefined || more.length > 0 || !ENVIRONMENT_NAMES.includes(environment)) {
    process.stderr.write(HELP);
    return 2;
  }
  const client = new CloudFormationClient({});
  const names = pipelines.map(({ pipeline }) => `${pipeline.name}-${environment}`);
  const templates = await deployedTemplates(names, {
    list: async (token) => {
      const { StackSummaries = [], NextToken } = await client.send(new ListStacksCommand({ NextToken: token }));
      return {
        stacks: StackSummaries.map(({ StackName, StackStatus }) => ({ name: StackName!, status: StackStatus! })),
        next: NextToken,
      };
    },
    template: async (name) => {
      const { TemplateBody } = await client.send(
        new GetTemplateCommand({ StackName: name, TemplateStage: "Original" }),
      );
      return TemplateBody!;
    },
  });
  mkdirSync(DEPLOYED_DIRECTORY, { recursive: true });
  for (const [name, template] of templates) {
    const file = deployedFile(".", name);
    if (template === undefined) rmSync(file, { force: true });
    else writeFileSync(file, template);
    console.log(template === undefined ? `${name}  not deployed` : `${name}  ${file}`);
  }
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (thrown: unknown) => {
    console.error(messageOf(thrown));
    process.exitCode = 1;
  },
);
