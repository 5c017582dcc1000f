import type { EvolvingShape, PartsChange } from "../operators/evolution/state-shape.ts";
import { checkedSteps, checkedVersion } from "../state/versions.ts";

/** An operator's version and what led to it, checked. @throws definition error `state/migration` */
export function evolutionOf(
  what: string,
  {
    version = 1,
    migrate = {},
  }: { readonly version?: number; readonly migrate?: Readonly<Record<number, PartsChange>> },
): Pick<EvolvingShape, "version" | "changes"> {
  checkedVersion(what, version);
  return { version, changes: new Map(checkedSteps(what, version, Object.entries(migrate), "object")) };
}
