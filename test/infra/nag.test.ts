import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Stack, Validations } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { AwsSolutionsChecks } from "cdk-nag";
import { afterAll, describe, expect, test } from "vitest";
import { addStacks } from "../../infra/stacks.ts";
import { appOf } from "./synthesized.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Report {
  readonly pluginReports: readonly { readonly violations: readonly { readonly ruleName: string }[] }[];
}

const violationsOf = (directory: string) => {
  const report = JSON.parse(readFileSync(join(directory, "validation-report.json"), "utf8")) as Report;
  return report.pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName));
};

/** Every acknowledged rule of a stack, by the construct it is acknowledged at. */
const acknowledgedIn = (stack: Stack) =>
  stack.node
    .findAll()
    .flatMap(({ node }) =>
      node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) =>
          Object.entries(data as Record<string, string>).map(([rule, reason]) => ({ path: node.path, rule, reason })),
        ),
    );

const validation = process.env["CDK_VALIDATION"];
afterAll(() => {
  if (validation === undefined) delete process.env["CDK_VALIDATION"];
  else process.env["CDK_VALIDATION"] = validation;
});

describe("cdk-nag's AwsSolutions", () => {
  test.each([
    ["dev", "false"],
    ["staging", "false"],
    ["prod", "true"],
  ])("%s is clean", (environment, cloudFormationRules) => {
    // CloudFormation's own rules take seconds; what they say does not differ between environments.
    process.env["CDK_VALIDATION"] = cloudFormationRules;
    const { app } = appOf(environment);
    expect(violationsOf(app.synth().directory)).toEqual([]);
  });

  test("a violation fails the synthesis", () => {
    process.env["CDK_VALIDATION"] = "false";
    const app = new App({
      outdir: temporaryDirectory("nag"),
      context: { "aws:cdk:bundling-stacks": [] },
    });
    addStacks(app);
    new Bucket(new Stack(app, "open"), "Bucket");
    expect(() => app.synth()).toThrow(/AwsSolutions-S10/);
  });

  test("a rule is acknowledged for one construct, with a reason", () => {
    const { stack } = appOf("prod");
    const found = acknowledgedIn(stack);
    expect(
      found
        .map(
          ({ path, rule }) =>
            `${path.replace("flight-delays-prod/Pipeline/", "")} ${/AwsSolutions-\w+/.exec(rule)?.[0] ?? rule}`,
        )
        .toSorted(),
    ).toEqual(
      [
        "DeadLetters AwsSolutions-SQS3",
        "Lake AwsSolutions-S1",
        ...Array<string>(2).fill("Lakes/hourly_delays/DeliveryRole AwsSolutions-IAM5"),
        ...Array<string>(2).fill("Lakes/late_departures/DeliveryRole AwsSolutions-IAM5"),
        "LostTicks AwsSolutions-SQS3",
        "OnFailure AwsSolutions-SQS3",
        "State AwsSolutions-S1",
        "departures/Function AwsSolutions-L1",
        ...Array<string>(3).fill("departures/Role AwsSolutions-IAM5"),
        "Rollbacks/Bake AwsSolutions-L1",
        "Rollbacks/BakeRole AwsSolutions-IAM5",
        ...Array<string>(2).fill("Rollbacks/departures-Role AwsSolutions-IAM5"),
      ].toSorted(),
    );
    for (const { reason } of found) expect(reason.length).toBeGreaterThan(30);
  });

  test("the pack is one that finds things", () => {
    const app = new App();
    new Bucket(new Stack(app, "open"), "Bucket");
    expect(new AwsSolutionsChecks(app).validateScope(app).violations.map(({ ruleName }) => ruleName)).toContainEqual(
      expect.stringContaining("S1"),
    );
  });
});
