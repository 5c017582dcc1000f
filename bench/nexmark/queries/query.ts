import type { Duration, Pipeline } from "millrace";
import type { LakeDeclaration } from "../../../lib/connectors/firehose/declare.ts";

/** A query of Nexmark: a pipeline, and in SQL what it must come to. */
export interface NexmarkQuery {
  /** `q5` */
  readonly name: string;
  readonly title: string;
  readonly pipeline: Pipeline;
  readonly sink: LakeDeclaration;
  /** A query of the tables `auction` and `bid`, whose columns are the sink's. */
  readonly expectedSql: string;
  /** The columns that name a row; every other one is compared. Without it rows are compared as a multiset. */
  readonly key?: readonly string[];
  /** When the first event happens, if the published time would show too little: epoch milliseconds. */
  readonly start?: number;
  /** How much event time the events take at the least, where it is more than is usual. */
  readonly span?: Duration;
}
