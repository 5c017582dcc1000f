import type kinesalite from "kinesalite";
import { listenForParent } from "../processes/listen-entry.ts";
import { useFastSequences } from "./fast-sequences.ts";

/** The Kinesis emulator's process: records lie on disk, so that a million of them do not fill the memory. */
const argument = JSON.parse(process.argv[2] ?? "{}") as { readonly path: string; readonly packageUrl: string };
const { default: create } = (await import(argument.packageUrl)) as { readonly default: typeof kinesalite };
useFastSequences(argument.packageUrl);

listenForParent(
  create({ path: argument.path, createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0, shardLimit: 10_000 }),
);
