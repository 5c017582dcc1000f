import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { BAKE } from "../../lib/cdk/rollback.ts";
import flightDelays from "../../functions/aggregate-flight-delays/pipeline.ts";
import routes from "../../functions/rank-routes/pipeline.ts";
import { ofType, plain, provisioned, resourcesOf, synthesized, type Resource } from "./synthesized.ts";

const withRollback = provisioned(routes, { rollback: {} });
const without = provisioned(routes);

const listOf = (value: unknown) => value as readonly unknown[];
const aliases = (template: typeof without) =>
  Object.entries(resourcesOf(template)).filter(([, { Type }]) => Type === "AWS::Lambda::Alias");
const updatePolicy = (resource: Resource) =>
  (resource as { UpdatePolicy?: { CodeDeployLambdaAliasUpdate: Readonly<Record<string, unknown>> } }).UpdatePolicy
    ?.CodeDeployLambdaAliasUpdate;

describe("a stage runs a version, behind its alias", () => {
  test("every mapping, of records and of ticks, invokes the alias live, and none the function itself", () => {
    const live = aliases(without);
    expect(live).toHaveLength(3);
    for (const [, { Properties }] of live) {
      expect(Properties["Name"]).toBe("live");
      expect(Properties["RoutingConfig"]).toBeUndefined(); // one version at a time
    }
    const invoked = ofType(without, "AWS::Lambda::EventSourceMapping").map(({ Properties }) =>
      plain(Properties["FunctionName"]),
    );
    expect(invoked.toSorted()).toEqual(live.flatMap(([id]) => [plain({ Ref: id }), plain({ Ref: id })]).toSorted());
  });

  test("another build is another version, and the same build is the same one", () => {
    const versions = (template: typeof without) =>
      Object.keys(resourcesOf(template)).filter((id) => resourcesOf(template)[id]!.Type === "AWS::Lambda::Version");
    expect(versions(without)).toEqual(versions(provisioned(routes)));
    const other = versions(provisioned(routes, { function: { memory: 2_048 } }));
    expect(other.filter((id) => versions(without).includes(id))).toEqual([]);
  });

  test("nothing of CodeDeploy is made unless it is asked for", () => {
    expect(Object.values(resourcesOf(without)).filter(({ Type }) => Type.includes("CodeDeploy"))).toEqual([]);
    for (const [, alias] of aliases(without)) expect(updatePolicy(alias)).toBeUndefined();
  });
});

describe("a build that raises its stage's alarms is taken back", () => {
  const groups = ofType(withRollback, "AWS::CodeDeploy::DeploymentGroup").map(({ Properties }) => Properties);

  test("all at once: two versions never take turns on one task", () => {
    expect(groups).toHaveLength(3);
    for (const group of groups) expect(group["DeploymentConfigName"]).toBe("CodeDeployDefault.LambdaAllAtOnce");
  });

  test("each alias is moved by the group of its own stage, whose Errors and SystemicFailures take it back", () => {
    for (const [id, alias] of aliases(withRollback)) {
      const stage = plain({ Ref: id }).replace(/^\{Pipeline(.*)Live\}$/, "$1");
      const policy = updatePolicy(alias)!;
      const group = resourcesOf(withRollback)[(policy["DeploymentGroupName"] as { Ref: string }).Ref]!;
      expect(plain(policy["DeploymentGroupName"])).toContain(stage);
      expect(policy["AfterAllowTrafficHook"]).toBeDefined();
      const { Enabled, Alarms } = group.Properties["AlarmConfiguration"] as { Enabled: boolean; Alarms: unknown };
      expect(Enabled).toBe(true);
      const names = listOf(Alarms).map((alarm) => plain((alarm as { Name: unknown }).Name));
      expect(names.map((name) => name.replace(/^\{PipelineAlarms(.*)\}$/, "$1")).toSorted()).toEqual(
        [`${stage}Errors`, `${stage}SystemicFailures`].toSorted(),
      );
      expect(group.Properties["AutoRollbackConfiguration"]).toMatchObject({
        Enabled: true,
        Events: expect.arrayContaining(["DEPLOYMENT_STOP_ON_ALARM"]),
      });
    }
  });

  test("prod and staging do, dev does not, and what mends a stopped task can be deployed", () => {
    const groupsIn = (environment: string, context = {}) =>
      ofType(synthesized(environment, context), "AWS::CodeDeploy::DeploymentGroup").length;
    expect(["dev", "staging", "prod"].map((name) => groupsIn(name))).toEqual([0, 1, 1]);
    expect(groupsIn("prod", { rollback: "false" })).toBe(0);
  });

  test.each([
    [{ seconds: 59 }, /60/],
    [{ minutes: 15 }, /840/],
  ])("a bake time of %j is refused", (bakeTime, limit) => {
    expect(() => provisioned(flightDelays, { rollback: { bakeTime } })).toThrow(limit);
  });

  test("the function waits for as long as was asked for, and then tells the deployment that it has succeeded", async () => {
    const template = provisioned(flightDelays, { rollback: { bakeTime: { minutes: 2 } } });
    const bake = ofType(template, "AWS::Lambda::Function").find(({ Properties }) => !("MemorySize" in Properties))!;
    expect(bake.Properties["Environment"]).toEqual({ Variables: { BAKE_SECONDS: "120" } });
    expect(bake.Properties["Timeout"]).toBeGreaterThan(120);
    const { ZipFile } = bake.Properties["Code"] as { ZipFile: string };
    expect(ZipFile).toBe(BAKE);

    const happened: unknown[] = [];
    const sdk = {
      CodeDeployClient: class {
        async send(command: unknown) {
          happened.push(command);
        }
      },
      PutLifecycleEventHookExecutionStatusCommand: class {
        readonly input: unknown;
        constructor(input: unknown) {
          this.input = input;
        }
      },
    };
    const exported: { handler?: (event: unknown) => Promise<void> } = {};
    runInNewContext(BAKE, {
      exports: exported,
      require: () => sdk,
      process: { env: { BAKE_SECONDS: "120" } },
      setTimeout: (then: () => void, millis: number) => void (happened.push(millis), then()),
    });
    await exported.handler!({ DeploymentId: "d-1", LifecycleEventHookExecutionId: "e-1" });
    expect(happened).toEqual([
      120_000,
      { input: { deploymentId: "d-1", lifecycleEventHookExecutionId: "e-1", status: "Succeeded" } },
    ]);
  });
});
