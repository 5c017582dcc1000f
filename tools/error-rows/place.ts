import { definitionError } from "../../lib/errors.ts";

/** A lake, as far as what it could not take is concerned. */
export interface LakePlace {
  readonly name: string;
  readonly bucket: string;
  /** Keys of the error objects begin with it. */
  readonly errorPrefix: string;
  readonly deliveryStream: string;
}

/**
 * The lakes that a stack's outputs tell of (lib/cdk/README.md), by their names.
 *
 * @param prefix what the outputs' names begin with, where only one of several pipelines is meant
 * @throws definition error `error-rows/outputs`
 */
export function lakesOf(outputs: Readonly<Record<string, string>>, stack: string, prefix?: string): LakePlace[] {
  const lakes = Object.keys(outputs).flatMap((output) => {
    const [, own, lake] = /^(.*)Lake(.+)DeliveryStream$/.exec(output) ?? [];
    if (own === undefined || (prefix !== undefined && own !== prefix)) return [];
    const named = (what: string) => outputs[`${own}Lake${lake}${what}`];
    const bucket = outputs[`${own}LakeBucket`];
    const errorPrefix = named("ErrorPrefix");
    if (bucket === undefined || errorPrefix === undefined) {
      throw refuse(
        stack,
        `does not say where the error objects of ${named("View") ?? output} are`,
        "Deploy it again with this version, or give --bucket, --error-prefix and --delivery-stream.",
      );
    }
    return [{ name: named("View") ?? named("Table") ?? lake!, bucket, errorPrefix, deliveryStream: outputs[output]! }];
  });
  if (lakes.length > 0) return lakes.sort((a, b) => (a.name < b.name ? -1 : 1));
  throw refuse(stack, "has no lake", "Is it a stack with a MillracePipeline that writes to a lake?");
}

const refuse = (stack: string, problem: string, advice: string) =>
  definitionError({ code: "error-rows/outputs", message: `The stack ${stack} ${problem}.`, advice });
