import { readFile } from "node:fs/promises";
import { DATA, readManifest, readManifestList, type TableFile } from "../firehose/iceberg/manifests.ts";
import { identifier, literal, type Database } from "./database.ts";
import { noRows, type LakeSource, type LakeTable, type TableInput } from "./results.ts";

/** A file of the table as it is now, on this machine. */
interface LocalFile extends TableFile {
  readonly path: string;
  readonly sequence: number;
}

/**
 * Opens a table of Iceberg as its readers do: what its newest metadata say is there, less the rows that files of equality
 * deletes name in files of earlier commits. (DuckDB's own extension for Iceberg is no part of its package.)
 *
 * @throws where a deletion is by other than one column
 */
export async function openIcebergTable(
  database: Database,
  source: LakeSource,
  { Name: name, StorageDescriptor: { Location: location = "", Columns: columns = [] } = {} }: TableInput,
): Promise<LakeTable> {
  const files = await filesOf(source, location.replace(/\/$/, ""));
  const data = files.filter(({ content }) => content === DATA);
  const deletes = files.filter(({ content }) => content !== DATA);
  const [key, ...others] = [...new Set(deletes.flatMap((file) => file.equality_ids ?? []))];
  if (others.length > 0) throw new Error(`Rows of the table ${name} are deleted by several columns.`);
  const names = columns.map((column) => `d.${identifier(column.Name)}`).join();
  const id = key === undefined ? undefined : identifier(columns[key - 1]!.Name);
  const gone =
    id === undefined
      ? ""
      : ` LEFT JOIN (SELECT ${id}, max(s.sequence) AS upto FROM ${read(deletes)} GROUP BY ALL) x ON x.${id} = d.${id}` +
        ` WHERE x.upto IS NULL OR x.upto <= s.sequence`;
  const sql =
    data.length === 0 ? `SELECT ${noRows(columns).join()} WHERE false` : `SELECT ${names} FROM ${read(data)}${gone}`;
  await database.run(`CREATE OR REPLACE VIEW ${identifier(name)} AS ${sql}`);
  const counts = await database.row(
    `SELECT count(*) AS shown, count(DISTINCT output_id) AS ids FROM ${identifier(name)}`,
  );
  const rawRows = Number(counts["shown"]);
  return { name, files: files.map(({ path }) => path), rawRows, repeats: rawRows - Number(counts["ids"]) };
}

/** Rows of files as `d`, with the sequence numbers of their commits as `s`. */
const read = (files: readonly LocalFile[]): string =>
  `read_parquet([${files.map(({ path }) => literal(path)).join()}], filename = true) d JOIN ` +
  `(VALUES ${files.map(({ path, sequence }) => `(${literal(path)}, ${sequence})`).join()}) s(path, sequence) ON s.path = d.filename`;

/** The files of a table's newest snapshot. */
async function filesOf(source: LakeSource, location: string): Promise<readonly LocalFile[]> {
  const pathOf = async (url: string): Promise<string | undefined> => {
    const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.*)$/.exec(url) ?? [];
    return (await source.objectFiles(bucket, key))[0];
  };
  const present = async (url: string): Promise<string> => {
    const path = await pathOf(url);
    if (path === undefined) throw new Error(`The metadata of a table name ${url}, which is not there.`);
    return path;
  };
  const hint = await pathOf(`${location}/metadata/version-hint.text`);
  if (hint === undefined) return []; // nothing was written yet
  const version = (await readFile(hint, "utf8")).trim();
  const metadata = JSON.parse(
    await readFile(await present(`${location}/metadata/v${version}.metadata.json`), "utf8"),
  ) as {
    readonly "current-snapshot-id": number;
    readonly snapshots: readonly { readonly "snapshot-id": number; readonly "manifest-list": string }[];
  };
  const snapshot = metadata.snapshots.find((one) => one["snapshot-id"] === metadata["current-snapshot-id"])!;
  const manifests = readManifestList(await readFile(await present(snapshot["manifest-list"])));
  const files: LocalFile[] = [];
  for (const { manifest_path: url } of manifests) {
    for (const file of readManifest(await readFile(await present(url))))
      files.push({ ...file, path: await present(file.file_path) });
  }
  return files;
}
