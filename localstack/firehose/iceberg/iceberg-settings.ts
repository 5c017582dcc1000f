import type { LocalStackError } from "../../errors.ts";
import type { ResolvedResource } from "../../template/resolve-template.ts";
import { propertyText } from "../../template/property-text.ts";
import { isRecord } from "../../template/template-file.ts";
import { planColumn, type Column } from "../columns.ts";
import { operationQuery, type OperationQuery } from "./operation-query.ts";

/** A destination of Iceberg: one table, and what is done with each record. */
export interface IcebergSettings {
  readonly database: string;
  readonly table: string;
  /** In the table's order: a field's id is its place, from 1 on. */
  readonly columns: readonly Column[];
  readonly uniqueKeys: readonly string[];
  readonly query: OperationQuery;
  /** Where the table is: `s3://bucket/prefix`. */
  readonly location: string;
}

type Refuse = (why: string) => LocalStackError;

/** What a destination's table and query are; throws for what AWS would refuse or the local stack cannot do. */
export function icebergSettings(
  destination: Readonly<Record<string, unknown>>,
  all: readonly ResolvedResource[],
  refuse: Refuse,
): IcebergSettings {
  if (destination["AppendOnly"] === true) throw refuse("the local stack runs no AppendOnly");
  const list = destination["DestinationTableConfigurationList"];
  const [target, ...others] = Array.isArray(list) ? list.filter(isRecord) : [];
  if (target === undefined || others.length > 0) throw refuse("the local stack delivers to one Iceberg table");
  const database = String(target["DestinationDatabaseName"]);
  const table = String(target["DestinationTableName"]);
  const uniqueKeys = Array.isArray(target["UniqueKeys"]) ? target["UniqueKeys"].map(String) : [];
  const { columns, location } = tableOf(all, database, table, refuse);
  for (const column of columns) {
    if (planColumn(column, { kind: "iceberg" }) === undefined)
      throw refuse(`the column ${column.name} has the type ${column.type}, which the local stack does not write`);
  }
  const unknown = uniqueKeys.find((key) => columns.every(({ name }) => name !== key));
  if (unknown !== undefined) throw refuse(`the unique key ${unknown} is no column of ${database}.${table}`);
  return { database, table, columns, uniqueKeys, query: queryOf(destination, refuse), location };
}

/** Firehose looks for the table when the stream is made. */
function tableOf(all: readonly ResolvedResource[], database: string, table: string, refuse: Refuse) {
  for (const { type, properties } of all) {
    if (type !== "AWS::Glue::Table" || properties["DatabaseName"] !== database) continue;
    const input = properties["TableInput"];
    if (!isRecord(input) || input["Name"] !== table) continue;
    const format = properties["OpenTableFormatInput"];
    const iceberg = isRecord(format) ? format["IcebergInput"] : undefined;
    if (!isRecord(iceberg)) throw refuse(`${database}.${table} is not a table of Iceberg`);
    if (propertyText(iceberg["Version"] ?? "2") !== "2")
      throw refuse(`Firehose writes version 2 of Iceberg's format alone`);
    const storage = input["StorageDescriptor"];
    const columns = isRecord(storage) ? storage["Columns"] : undefined;
    const location = isRecord(storage) ? storage["Location"] : undefined;
    if (!Array.isArray(columns) || typeof location !== "string" || !location.startsWith("s3://"))
      throw refuse(`${database}.${table} has no columns, or no location on S3`);
    return {
      columns: columns.filter(isRecord).map(({ Name, Type }) => ({ name: String(Name), type: String(Type) })),
      location: location.replace(/\/$/, ""),
    };
  }
  throw refuse(`its table is ${database}.${table}, which no given template defines`);
}

function queryOf(destination: Readonly<Record<string, unknown>>, refuse: Refuse): OperationQuery {
  const processing = destination["ProcessingConfiguration"];
  const all = isRecord(processing) && processing["Enabled"] !== false ? processing["Processors"] : [];
  const processors = Array.isArray(all) ? all.filter(isRecord) : [];
  const other = processors.find(({ Type }) => Type !== "MetadataExtraction");
  if (other !== undefined) throw refuse(`the processor ${String(other["Type"])} is not run`);
  const [extraction] = processors;
  if (extraction === undefined) return new Map();
  const parameters = Array.isArray(extraction["Parameters"]) ? extraction["Parameters"].filter(isRecord) : [];
  const text = propertyText(
    parameters.find(({ ParameterName }) => ParameterName === "MetadataExtractionQuery")?.["ParameterValue"] ?? "",
  );
  const query = operationQuery(text);
  if (query === undefined)
    throw refuse(`the query ${text} is not run: only texts and fields are, as {operation:"update"}`);
  return query;
}
