import { appendFileSync } from "node:fs";
import path from "node:path";
import type { Pipeline } from "millrace";
import { startLocalStack } from "../index.ts";
import type { FaultPlan, LocalStack, Notice } from "../types.ts";
import { Database } from "./database.ts";
import { Deployment } from "./deployment.ts";

/** What a run has open, and closes whatever happens. */
export class Session {
  readonly directory: string;
  readonly database: Database;
  #stack: LocalStack | undefined;
  #deployment: Deployment | undefined;

  private constructor(directory: string, database: Database) {
    this.directory = directory;
    this.database = database;
  }

  static async open(directory: string): Promise<Session> {
    return new Session(directory, await Database.open(path.join(directory, "duckdb")));
  }

  /** What the local stack has to say. */
  get log(): string {
    return path.join(this.directory, "local-stack.log");
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

  async close(): Promise<void> {
    this.#deployment?.close();
    await this.#stack?.stop();
    this.database.close();
  }

  readonly #note = ({ level, text }: Notice): void => {
    appendFileSync(this.log, `${new Date().toISOString()} ${level} ${text}\n`);
  };
}
