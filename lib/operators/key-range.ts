import { poisonError } from "../errors.ts";
import type { KeyValues } from "../state/key.ts";
import type { TaskState } from "../state/task-state.ts";

/**
 * State follows its key when its partition is split: a key outside of the partition's range would be left behind.
 *
 * @throws poison error `source/key-range`
 */
export function checkRange(state: TaskState, key: KeyValues): void {
  if (state.hasKey(key)) return;
  throw poisonError({
    code: "source/key-range",
    message: `The key (${Object.keys(key).join(", ")}) does not belong to the record's partition.`,
    advice: "Producers let the stream choose the partition by the partition key: no explicit hash keys.",
  });
}
