import { KEY_FIELD } from "../operators/broadcast/broadcast.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { compileStage } from "../plan/compile.ts";
import { idleOf, type Stage } from "../plan/stage.ts";
import { sourceIntake, type Intake } from "../runtime/intake.ts";
import { ShuffleIntake } from "../runtime/shuffle/intake.ts";
import type { RunnableStage } from "../runtime/stage-runtime.ts";
import { formatOf } from "./formats.ts";
import type { SchemaRegistry } from "./schema-registry/registry.ts";

/**
 * A stage as the runtime runs it.
 *
 * @param incarnation of its source or internal stream
 * @param schemas of a source that has a registry of schemas
 */
export const runnableStage = (
  pipeline: Pipeline,
  stage: Stage,
  {
    generation,
    incarnation,
    schemas,
  }: { readonly generation: number; readonly incarnation: number; readonly schemas?: SchemaRegistry | undefined },
): RunnableStage => ({
  pipeline: pipeline.name,
  generation,
  stage: stage.name,
  source: stage.input.name,
  incarnation,
  program: compileStage(pipeline, stage),
  intake: intakeOf(stage, schemas),
  idle: idleOf(stage),
  poisonShare: pipeline.poison.share,
});

function intakeOf({ input, name }: Stage, schemas: SchemaRegistry | undefined): Intake {
  if (input.kind === "source") {
    const { source } = input;
    return sourceIntake(name, formatOf(source, schemas), source.disorder, source.trace);
  }
  return new ShuffleIntake({
    keyFields: new Map([
      ...input.keyBys.map(({ name: keyBy, keyFields }) => [keyBy, keyFields] as const),
      ...input.broadcasts.map(({ name: broadcast }) => [broadcast, [KEY_FIELD]] as const),
    ]),
    producers: input.producers,
  });
}
