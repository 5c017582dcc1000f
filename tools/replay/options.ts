import { parseArgs } from "node:util";
import { messageOf } from "../../lib/errors.ts";
import { UsageError } from "../run-tool.ts";
import type { ArchivePlace } from "./objects.ts";

export type Options =
  | { readonly command: "help" }
  | {
      readonly command: "stream";
      readonly place: ArchivePlace;
      readonly module: string;
      readonly source: string | undefined;
      readonly stream: string;
      readonly rate: number;
      readonly progress: string;
      readonly dryRun: boolean;
    }
  | { readonly command: "queue"; readonly place: ArchivePlace; readonly queueUrl: string; readonly progress: string };

const DEFAULT_PROGRESS = "replay-progress.json";
const DEFAULT_RATE = 5_000;

export const HELP = `Replays archived events: objects of a bucket, in the order of their keys.

  npm run replay -- --module FILE --stream NAME --bucket BUCKET [--prefix PREFIX]
      puts the events of lines of JSON (plain, gzip, zstd) or rows of Parquet into a source's Kinesis stream,
      those of a key in their order
  npm run replay -- --queue URL --bucket BUCKET [--prefix PREFIX]
      tells an s3Objects source of them, by its queue

  --bucket BUCKET    where the objects are
  --prefix PREFIX    what their keys begin with                                    [all]
  --suffix SUFFIX    what their keys end with                                      [all]
  --module FILE      exports the pipeline as default; and, where the objects are a lake's, the lake as \`lake\`
  --source NAME      the source that the events are of                             [the pipeline's only one]
  --stream NAME      its stream: the stack's output Source…Stream
  --queue URL        the source's queue: the stack's output Source…QueueUrl
  --rate N           events a second                                               [${DEFAULT_RATE}]
  --progress FILE    where it is noted how far the replay is                       [${DEFAULT_PROGRESS}]
  --dry-run          read all, send nothing, say what would be refused or late
  --help             this text

Whenever it ends, run it again: it goes on from where it was, and repeats a thousand events at most. Region,
credentials and endpoints are those of the environment, as for the AWS CLI.

Exit code 0: done. 1: something failed, or events were refused. 2: the command line is wrong. 130: Ctrl-C.
`;

const OPTIONS = {
  bucket: { type: "string" },
  prefix: { type: "string", default: "" },
  suffix: { type: "string", default: "" },
  module: { type: "string" },
  source: { type: "string" },
  stream: { type: "string" },
  queue: { type: "string" },
  rate: { type: "string" },
  progress: { type: "string", default: DEFAULT_PROGRESS },
  "dry-run": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const values = parsed(args);
  if (values.help) return { command: "help" };
  const { bucket, prefix, suffix, module, source, stream, queue, progress } = values;
  if (bucket === undefined) throw new UsageError("Say where the objects are: --bucket BUCKET.");
  const place = { bucket, prefix, suffix };
  const isOfStream = module !== undefined && (stream !== undefined || values["dry-run"]);
  if ((queue === undefined) === !isOfStream || (queue !== undefined && (stream ?? module) !== undefined)) {
    throw new UsageError("Say where the events go: --module FILE and --stream NAME, or --queue URL.");
  }
  if (queue !== undefined) return { command: "queue", place, queueUrl: queue, progress };
  const rate = values.rate === undefined ? DEFAULT_RATE : Number(values.rate);
  if (!(rate > 0)) throw new UsageError(`--rate ${values.rate}: it is a number above zero.`);
  return {
    ...{ command: "stream", place, module: module!, source, stream: stream ?? "", rate, progress },
    dryRun: values["dry-run"],
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
