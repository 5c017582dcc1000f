import { OF_BREAKERS } from "./breakers.ts";
import { OF_COMMITS } from "./commits.ts";
import type { Mutant } from "./mutant.ts";
import { OF_RECORDS } from "./records.ts";
import { OF_REDRIVES } from "./redrives.ts";
import { OF_SHUFFLES } from "./shuffles.ts";
import { OF_TIME } from "./time.ts";

/** Deliberate defects, at least two per invariant: the simulator must catch each of them by itself. */
export const MUTANTS: readonly Mutant[] = [
  ...OF_COMMITS,
  ...OF_RECORDS,
  ...OF_TIME,
  ...OF_REDRIVES,
  ...OF_SHUFFLES,
  ...OF_BREAKERS,
];
