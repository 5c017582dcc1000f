import { isView } from "../connectors/view/declare.ts";
import type { ViewShape } from "../connectors/view/row.ts";
import { definitionError } from "../errors.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { nodesOf } from "../pipeline/topology.ts";

/** What of a view stays as long as its generation does. */
export interface ViewRecord {
  /** `name type` of each column of its key: CloudFormation makes another table of other keys, and an empty one. */
  readonly key: readonly string[];
  /** By which rows are told to be newer: of those that are there too. */
  readonly version?: string;
}

export type ViewRecords = Readonly<Record<string, ViewRecord>>;

const recordOf = ({ key, version }: ViewShape): ViewRecord => ({
  key: key.map(({ field, type }) => `${field} ${type}`),
  ...(version === undefined ? {} : { version }),
});

/** What the stack's template says of a pipeline's views. */
export const viewRecordsOf = (pipeline: Pipeline): ViewRecords =>
  Object.fromEntries(
    nodesOf(pipeline, "sink").flatMap(({ sink }) => (isView(sink) ? [[sink.name, recordOf(sink)] as const] : [])),
  );

/**
 * Refuses to go on with a view whose rows so far would be gone, or not be comparable with the next ones.
 *
 * @param kept what a deployed template says; of versions that said nothing of views, nothing
 * @throws definition error `deploy/state-loss`
 */
export function refuseOtherViews(records: ViewRecords, kept: unknown): void {
  const { views = {} } = (kept ?? {}) as { readonly views?: Readonly<Record<string, Partial<ViewRecord>>> };
  for (const [name, { key = [], version }] of Object.entries(views)) {
    const is = records[name];
    if (is === undefined) continue;
    const problem =
      key.join() !== is.key.join()
        ? `has the key ${key.join(", ")} where it is deployed, and ${is.key.join(", ")} here: its table would be another one, and empty`
        : version !== is.version
          ? `has ${versionText(version)} where it is deployed, and ${versionText(is.version)} here: its rows could not be compared`
          : undefined;
    if (problem === undefined) continue;
    throw definitionError({
      code: "deploy/state-loss",
      message: `view("${name}") ${problem}.`,
      advice:
        "Declare it as it was, and another one beside it under a new name; or raise the generation, and have the stream read again.",
    });
  }
}

const versionText = (version: string | undefined): string =>
  version === undefined ? "no version" : `the version ${version}`;
