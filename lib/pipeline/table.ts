import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { KeyValue } from "../state/key.ts";

declare const valueType: unique symbol;
declare const keyType: unique symbol;

/** What every table that values are looked up in has, whatever system it is of. */
export interface TableDeclaration {
  readonly kind: "table";
  readonly connector: string;
  readonly name: string;
  /** Checks what is found. */
  readonly schema: StandardSchemaV1;
}

/** A table as a typed handle: of values `V`, by keys `Q`. */
export interface Table<out V, in Q extends KeyValue> extends TableDeclaration {
  readonly [valueType]?: () => V;
  readonly [keyType]?: (key: Q) => void;
}
