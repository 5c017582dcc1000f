import type dynalite from "dynalite";
import { listenForParent } from "../processes/listen-entry.ts";

/** The DynamoDB emulator's process; its items lie in memory. */
const argument = JSON.parse(process.argv[2] ?? "{}") as { readonly packageUrl: string };
const { default: create } = (await import(argument.packageUrl)) as { readonly default: typeof dynalite };

listenForParent(create({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }));
