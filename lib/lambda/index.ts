/** Running a pipeline's stages in Lambda functions. */
export { lambdaHandler, type StageEvent, type StageHandler, type StageResponse } from "./handler.ts";
export { ingestHandler, type IngestHandler, type IngestOptions } from "./ingest.ts";
export { listLargestKeys, type LargeKey, type LargestKeysOptions } from "./largest-keys.ts";
export { inspectTasks, type Inspection, type TaskStatus } from "./inspect.ts";
export { viewQueryHandler, type ViewQueryHandler, type ViewQueryOptions } from "./view-query.ts";
export { readBindings, type Bindings } from "../plan/bindings.ts";
