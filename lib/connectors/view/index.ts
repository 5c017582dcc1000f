/** Reading the views that pipelines keep. */
export {
  viewClient,
  type ListOptions,
  type Page,
  type ReadOptions,
  type ViewClient,
  type ViewClientSettings,
} from "./client.ts";
export type { AsOf, Found } from "./item.ts";
