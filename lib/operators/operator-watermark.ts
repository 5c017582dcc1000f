import { floorOf } from "../state/inheritance.ts";
import type { KeyValues } from "../state/key.ts";
import type { TaskState } from "../state/task-state.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../time/instant.ts";

/** An operator whose watermark trails the task's, as the windows before it hold their rows back. */
export interface Trailing {
  readonly name: string;
  /** Milliseconds by which it trails. */
  readonly delay: number;
}

/** How far event time has come at an operator when the task's watermark is there. */
export const trailing = (watermark: number, delay: number): number =>
  watermark === BEFORE_ALL_TIME || watermark >= END_OF_TIME ? watermark : watermark - delay;

/** How far event time has come at an operator for a key: what a merged range had closed stays closed. */
export function watermarkAt(
  { name, delay }: Trailing,
  { watermark, floors, hashOf }: TaskState,
  key: KeyValues,
): number {
  if (floors.length === 0) return trailing(watermark, delay);
  const floor = floorOf(floors, hashOf(key), name);
  return trailing(Math.max(watermark, floor.watermark), delay);
}
