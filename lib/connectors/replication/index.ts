/** Where a reader of a copy begins. */
export { copyPositions, type CopyPositionsClient, type CopyPositionsSettings, type CopyStart } from "./translate.ts";
