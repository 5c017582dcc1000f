import type { RemovalPolicy } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct, IConstruct } from "constructs";
import type { Address } from "../plan/bindings.ts";

/** What a function may do, and with what. Grants of one sid are one statement: of their actions, on all their resources. */
export interface Grant {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Where it holds, as a policy has it. Grants of such a sid have the same. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Why its resources are patterns, where they are. */
  readonly pattern?: string;
  /** Whether it is what Lambda does with the role before there is a function: its code may not. */
  readonly isForLambdaAlone?: boolean;
}

/** A value that the stack puts out. */
export interface Announced {
  /** What its output's name ends with, after the name of the source or sink. */
  readonly name: string;
  readonly value: string;
  readonly description: string;
}

/** Why a rule of cdk-nag does not apply to a construct. */
export interface Exception {
  readonly construct: IConstruct;
  readonly rule: string;
  readonly reason: string;
}

/** What the construct gives to all that is provisioned in it. */
export interface Place {
  readonly removalPolicy: RemovalPolicy;
  /** Whether tables refuse to be deleted. */
  readonly deletionProtection: boolean;
  /** The user's own key; none for AWS's. */
  readonly encryptionKey: IKey | undefined;
}

/** A system that a function reads from or writes to, as the stack has it. */
export interface ProvisionedSystem {
  /** What the function is told. */
  readonly address: Address;
  readonly grants: readonly Grant[];
  /** Keys of the user's own that its data is encrypted by. */
  readonly keyArns: readonly string[];
  readonly announced: readonly Announced[];
  readonly exceptions: readonly Exception[];
}

/** What a stage reads: of a source, or between stages. */
export interface ProvisionedSource extends ProvisionedSystem {
  /** Where its records lie: replaced, the positions of its tasks mean nothing. */
  readonly records: { readonly construct: IConstruct; readonly arn: string };
  /** What it is as copies know it, where they may go there. */
  readonly copiedFrom?: string;
  /** The Kinesis stream, where it is one. */
  readonly stream: IStream | undefined;
  /** Whether that is billed by what is put into it: provisioned ones are. */
  readonly isBilledByPut: boolean;
  /** Where it is a queue: what is watched of it. */
  readonly queue?: ReadQueue;
  /** Makes the one mapping that reads it and never gives up (X6). */
  map(scope: Construct, id: string, target: Pick<IFunction, "functionArn">, onFailure: IQueue): void;
}

/** A queue that a stage reads. */
export interface ReadQueue {
  readonly queue: IQueue;
  /** Where its redrive policy puts what failed too often; undefined for that of a queue that was there already. */
  readonly setAside: IQueue | undefined;
  /** When it is said that reading falls behind. */
  readonly ageSeconds: number;
}

/** A source's settings, checked and complete: what can be said before anything is made. */
export interface CheckedSource {
  /** The kind of system; its runtime face is found by it. */
  readonly connector: string;
  readonly incarnation: number;
  /** Epoch seconds: what arrived before is not read. */
  readonly startAt?: number;
  /** How many of its batches may run at the same time, at least; and whether there may be more later. */
  readonly concurrency: { readonly partitions: number; readonly mayGrow: boolean };
  /** When it is said that reading falls behind; undefined where Lambda tells no age. */
  readonly iteratorAgeSeconds: number | undefined;
  /** How many offsets may be unread before it is said that reading falls behind, where Lambda tells that in place of an age. */
  readonly offsetLag?: number;
  /** There for a source without order: its stage has no tasks, and keeps nothing. */
  readonly isUnordered?: true;
  /** When a record that comes alone is suspected of killing the process (X7). */
  readonly suspectAfterMillis: number;
  provision(scope: Construct, name: string, place: Place): ProvisionedSource;
}

/** What a sink's rows go to. */
export interface ProvisionedSink extends ProvisionedSystem {
  readonly name: string;
  /** A view's, which is read by others. */
  readonly viewTable?: ITable;
  /** Of a copy: what it is written to, and whether nothing there says that it is one. */
  readonly copy?: { readonly to: string; readonly oneWay: boolean };
}

/** A sink's settings, checked and complete. */
export interface CheckedSink {
  readonly name: string;
  provision(scope: Construct, place: Place): ProvisionedSink;
}
