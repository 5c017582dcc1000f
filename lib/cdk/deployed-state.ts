import { Lazy, Stack, type CfnElement } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { ProvisionedSource } from "../connectors/provisioned.ts";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct, IConstruct } from "constructs";
import { refuseSetting } from "../connectors/limits.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { lakeRecordsOf, refuseOtherLakes, type LakesPlace } from "./deployed-lakes.ts";
import { refuseOtherViews, viewRecordsOf } from "./deployed-views.ts";
import { refuseStateLoss, stateRecordIn, stateRecordOf, type RecordSettings } from "../plan/state-record.ts";

/** A stack's template as CloudFormation gives it back. */
export interface DeployedTemplate {
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

/** Where state lies: replaced, any of these begins empty. */
export interface StateResources {
  readonly changelog: IConstruct;
  readonly stateBucket: IBucket;
  /** By their stages' names. */
  readonly streams: ReadonlyMap<string, ProvisionedSource["records"]>;
  readonly lakes: LakesPlace;
  /** Tables of views by their names, as they are at synthesis. */
  readonly views: () => ReadonlyMap<string, ITable>;
}

const PREFIX = "Millrace::State::";

const keyOf = (pipeline: string): string => PREFIX + pipeline;

/**
 * Has the stack's template say what state its tasks keep, so that the next deployment can be compared with it; and
 * compares this one, if the template that is deployed was given.
 *
 * @throws definition errors `deploy/state-loss`, `provision/refused`; systemic errors `state/shape`, `state/newer`
 */
export function keepState(
  scope: Construct,
  pipeline: Pipeline,
  settings: RecordSettings,
  resources: StateResources,
  deployed: DeployedTemplate | undefined,
): void {
  const stack = Stack.of(scope);
  const record = stateRecordOf(pipeline, settings);
  const placed = () => Object.fromEntries(placesOf(stack, resources));
  const lakes = lakeRecordsOf(scope, pipeline, resources.lakes);
  const views = viewRecordsOf(pipeline);
  stack.addMetadata(keyOf(pipeline.name), { ...record, lakes, views, resources: Lazy.any({ produce: placed }) });
  const kept = deployed?.Metadata?.[keyOf(pipeline.name)];
  if (kept === undefined) {
    const others = recordsIn(deployed).filter(({ generation }) => record.generation <= generation);
    scope.node.addValidation({
      validate: () => {
        const own = placeOf(stack, resources.changelog);
        return others.flatMap((was) => (was.changelog === own ? [renamed(pipeline.name, was.pipeline)] : []));
      },
    });
    return;
  }
  const before = stateRecordIn(kept);
  if (before === undefined) {
    throw refuseSetting(
      `MillracePipeline("${pipeline.name}").deployed`,
      "a template whose record of state this version does not read",
      "Deploy the version that wrote it, or a later one.",
    );
  }
  refuseOtherLakes(scope, pipeline, lakes, kept);
  refuseStateLoss(pipeline, record, before);
  if (record.generation > before.generation) return;
  refuseOtherViews(views, kept);
  const renewed = new Set(
    record.stages
      .filter(({ name, incarnation }) =>
        before.stages.some((was) => was.name === name && was.incarnation < incarnation),
      )
      .map(({ name }) => `stream of ${name}`),
  );
  const places = (kept as { readonly resources?: Readonly<Record<string, string>> }).resources ?? {};
  // Ids are final at synthesis only.
  scope.node.addValidation({
    validate: () => {
      const now = new Map(placesOf(stack, resources));
      return Object.entries(places)
        .filter(([what, id]) => now.has(what) && now.get(what) !== id && !renewed.has(what))
        .map(([what, id]) => replaced(pipeline.name, what, id, now.get(what)!));
    },
  });
}

/** What each pipeline of a deployed template keeps, and where. */
const recordsIn = (deployed: DeployedTemplate | undefined) =>
  Object.entries(deployed?.Metadata ?? {}).flatMap(([key, kept]) => {
    const record = key.startsWith(PREFIX) ? stateRecordIn(kept) : undefined;
    const { resources } = kept as { readonly resources?: Readonly<Record<string, string>> };
    return record === undefined ? [] : [{ ...record, changelog: resources?.["changelog"] }];
  });

const renamed = (pipeline: string, was: string): string =>
  `${pipeline}: what is deployed in its place is the pipeline "${was}", and its tasks' state is kept under that name: this ` +
  `one would begin without it. Give the pipeline the name that it had; or raise the generation to begin anew.`;

const replaced = (pipeline: string, what: string, was: string, is: string): string =>
  `${pipeline}: the ${what} that is deployed, ${was}, would be replaced by ${is}, and state with it be lost. ` +
  `Give constructs the ids that they had; or raise the generation, and for a stream its incarnation, to begin anew.`;

/** What each resource is, and its logical id; of one that is not the stack's own, its ARN. */
function placesOf(stack: Stack, { changelog, stateBucket, streams, views }: StateResources): [string, string][] {
  return [
    ["changelog", placeOf(stack, changelog)],
    ["state bucket", placeOf(stack, stateBucket, stateBucket.bucketArn)],
    ...[...streams].map(([stage, stream]): [string, string] => [
      `stream of ${stage}`,
      placeOf(stack, stream.construct, stream.arn),
    ]),
    ...[...views()].map(([view, table]): [string, string] => [`view ${view}`, placeOf(stack, table, table.tableArn)]),
  ];
}

function placeOf(stack: Stack, { node }: IConstruct, arn: string = node.path): string {
  if (node.defaultChild !== undefined) return stack.getLogicalId(node.defaultChild as CfnElement);
  const resolved: unknown = stack.resolve(arn);
  return typeof resolved === "string" ? resolved : JSON.stringify(resolved);
}
