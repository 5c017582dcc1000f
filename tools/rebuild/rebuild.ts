import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Lake, Pipeline } from "millrace";
import { testDriver } from "millrace/testing";
import { isView, type ViewDeclaration } from "../../lib/connectors/view/declare.ts";
import { ViewWriter } from "../../lib/connectors/view/deliver.ts";
import { definitionError } from "../../lib/errors.ts";
import { nodesOf } from "../../lib/pipeline/topology.ts";
import { lakeRows } from "./lake-rows.ts";

/** Rows that are taken in before what came of them is put: no more of them are held at a time. */
const CHUNK = 1_000;

export interface RebuildSettings {
  /** Takes the lake's rows by its one source, and sends what comes of them to views. */
  readonly pipeline: Pipeline;
  readonly lake: Lake<never>;
  /** The views' tables, by their names. */
  readonly tables: ReadonlyMap<string, string>;
  /** Of the pipeline that keeps the views: rows of it that are newer stay. */
  readonly generation: number;
  readonly bucket: string;
  readonly prefix: string;
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly now: () => number;
}

/**
 * Makes views of a lake's rows, by the very code that makes them of a stream's. Rows are put as any are: unless a newer version is
 * there. So it may run while the pipeline does, and again, and be given up half-way.
 *
 * @returns how many rows were read, and how many were put
 * @throws definition error `rebuild/view` for a view without a version, or without a table
 */
export async function rebuild(settings: RebuildSettings): Promise<{ readonly rows: number; readonly puts: number }> {
  const { pipeline, lake, generation, now } = settings;
  const [source] = nodesOf(pipeline, "source");
  const views = nodesOf(pipeline, "sink").flatMap(({ sink }) => (isView(sink) ? [sink] : []));
  const writers = views.map((view) => [view, writerOf(view, settings)] as const);
  const driver = testDriver(pipeline, { start: now(), deadLetters: "throw" });
  let [rows, puts] = [0, 0];
  const put = async (): Promise<void> => {
    for (const [view, writer] of writers) {
      const made = driver.read(view) as unknown as readonly never[];
      // Epoch 0 is before every epoch: of rows of one version those of the pipeline itself stay.
      const task = `${pipeline.name}:${generation}:rebuild:${lake.name}.0:rebuild`;
      await writer.deliver(made.map((row, n) => ({ id: `${task}@0#${puts + n}`, body: view.encode(row) })));
      puts += made.length;
    }
  };
  for await (const row of lakeRows(settings)) {
    driver.push(source!.source, row);
    rows += 1;
    if (rows % CHUNK === 0) await put();
  }
  driver.drain();
  await put();
  return { rows, puts };
}

function writerOf(view: ViewDeclaration, { tables, dynamodb, now }: RebuildSettings): ViewWriter {
  const table = tables.get(view.name);
  if (view.version === undefined || table === undefined) {
    throw definitionError({
      code: "rebuild/view",
      message: `view("${view.name}") ${table === undefined ? "was given no table" : "has no version"}.`,
      advice:
        table === undefined
          ? `Give --view ${view.name}=TABLE.`
          : "Without one nothing tells whether what is in its table is newer. Raise the pipeline's generation instead.",
    });
  }
  const wait = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));
  return new ViewWriter({ client: dynamodb, view, table, now, wait });
}
