/** A column's type as Hive, Athena and Parquet know it. */
export type ColumnType = "string" | "bigint" | "double" | "boolean" | "timestamp";

declare const valueType: unique symbol;

/** A column: its stored type, and the type of a row's field. */
export interface Column<out V> {
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly [valueType]?: () => V;
}

export type Columns = { readonly [name: string]: Column<unknown> };

const column = <V>(type: ColumnType): Column<V> => ({ type, nullable: false });

/** Text. */
export const text = column<string>("string");
/** A whole number: a safe integer (up to 2^53) or a bigint of 64 bits. */
export const bigint = column<number | bigint>("bigint");
/** A finite floating point number. */
export const double = column<number>("double");
export const bool = column<boolean>("boolean");
/** Epoch milliseconds. */
export const timestamp = column<number>("timestamp");

/** The same column, where the field may be missing. */
export const nullable = <V>(of: Column<V>): Column<V | undefined> => ({ type: of.type, nullable: true });

type ValueOf<C> = C extends Column<infer V> ? V : never;
type OptionalNames<C> = { [P in keyof C]: undefined extends ValueOf<C[P]> ? P : never }[keyof C];

/** The row that fits the columns. */
export type RowOf<C> = {
  readonly [P in Exclude<keyof C, OptionalNames<C>>]: ValueOf<C[P]>;
} & { readonly [P in OptionalNames<C>]?: ValueOf<C[P]> } extends infer R
  ? { [P in keyof R]: R[P] }
  : never;
