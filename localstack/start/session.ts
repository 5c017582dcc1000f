import { appendFileSync } from "node:fs";
import path from "node:path";
import type { Pipeline } from "millrace";
import { startLocalStack } from "../index.ts";
import type { FaultPlan, LocalStack, Notice } from "../types.ts";
import { Database } from "./database.ts";
import { Deployment } from "./deployment.ts";
import { startRivalMapping, type RivalMapping } from "./rival-mapping.ts";

/** What a run has open, and closes whatever happens. */
export class Session {
  readonly directory: string;
  readonly database: Database;
  #stack: LocalStack | undefined;
  #deployment: Deployment | undefined;
  #rival: RivalMapping | undefined;
  #warnings = 0;

  private constructor(directory: string, database: Database) {
    this.directory = directory;
    this.database = database;
  }

  static async open(directory: string): Promise<Session> {
    return new Session(directory, await Database.open(path.join(directory, "duckdb")));
  }

  /** Warnings in {@link Session.log}. */
  get warnings(): number {
    return this.#warnings;
  }

  /** What the local stack has to say. */
  get log(): string {
    return path.join(this.directory, "local-stack.log");
  }

  /** Where functions' logs are. */
  get functionLogs(): string {
    return path.join(this.directory, "stack", "logs");
  }

  async start(template: string, pipeline: Pipeline, faults: FaultPlan | undefined): Promise<Deployment> {
    this.#stack = await startLocalStack({
      templates: [template],
      dataDirectory: path.join(this.directory, "stack"),
      // A file of results every few seconds instead of every minute.
      timeScale: 10,
      onNotice: this.#note,
      ...(faults === undefined ? {} : { faults }),
    });
    this.#deployment = new Deployment(this.#stack, pipeline);
    return this.#deployment;
  }

  /** Starts a second mapping beside the stack's own. */
  async startRival(template: string): Promise<RivalMapping> {
    if (this.#stack === undefined) throw new Error("The stack is not started.");
    const directory = path.join(this.directory, "rival");
    this.#rival = await startRivalMapping({ stack: this.#stack, template, directory, onNotice: this.#note });
    return this.#rival;
  }

  async close(): Promise<void> {
    await this.#rival?.stop();
    this.#deployment?.close();
    await this.#stack?.stop();
    this.database.close();
  }

  readonly #note = ({ level, text }: Notice): void => {
    if (level === "warning") this.#warnings += 1;
    appendFileSync(this.log, `${new Date().toISOString()} ${level} ${text}\n`);
  };
}
