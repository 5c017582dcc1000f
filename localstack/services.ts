import type { Clock } from "./clock.ts";
import { startDynamoDb, type DynamoDbEmulator } from "./dynamodb/dynamodb-emulator.ts";
import { TableStreams } from "./dynamodb/table-streams.ts";
import type { Faults } from "./faults.ts";
import type { FirehoseService } from "./firehose/firehose-service.ts";
import { cloudFormationFace, type DescribedStack } from "./gateway/cloudformation-face.ts";
import { DynamoDbFace } from "./gateway/dynamodb-face.ts";
import { eventsFace } from "./gateway/events-face.ts";
import { firehoseFace } from "./gateway/firehose-face.ts";
import { forwardTo, type Forwarder } from "./gateway/forwarder.ts";
import { KinesisFace, type PutListener } from "./gateway/kinesis-face.ts";
import { secretsFace, type LocalSecret } from "./gateway/secrets-face.ts";
import { snsFace } from "./gateway/sns-face.ts";
import type { EventBuses } from "./event-buses.ts";
import { s3Face } from "./gateway/s3-face.ts";
import { openGateway, type ServiceGateway } from "./gateway/service-gateway.ts";
import { sqsFace } from "./gateway/sqs-face.ts";
import { startKinesis, type KinesisEmulator } from "./kinesis/kinesis-emulator.ts";
import type { Schedules } from "./schedules.ts";
import type { Notice } from "./types.ts";
import { MessageMoves } from "./storage/message-moves.ts";
import { startStorage, type StorageEmulator } from "./storage/storage-emulator.ts";

/** The emulators and the gateways before them. */
export interface Services {
  readonly kinesis: KinesisEmulator;
  readonly dynamodb: DynamoDbEmulator;
  readonly tableStreams: TableStreams;
  readonly storage: StorageEmulator;
  readonly gateways: {
    readonly kinesis: ServiceGateway;
    readonly dynamodb: ServiceGateway;
    readonly s3: ServiceGateway;
    readonly sqs: ServiceGateway;
    readonly sns: ServiceGateway;
    readonly secrets: ServiceGateway;
    readonly firehose: ServiceGateway;
    readonly eventbridge: ServiceGateway;
    readonly cloudformation: ServiceGateway;
  };
  tableUnits(): { readonly writeUnits: number; readonly readUnits: number };
  /** PUT payload units of what functions put. */
  functionPutUnits(): number;
  stop(): Promise<void>;
}

export interface ServiceListeners {
  readonly onNotice: (notice: Notice) => void;
  /** Firehose needs the buckets and tables of the templates, so it comes later than its gateway. */
  readonly firehose: () => FirehoseService;
  readonly schedules: () => Schedules;
  readonly buses: () => EventBuses;
  readonly secrets: () => readonly LocalSecret[];
  readonly stacks: () => readonly DescribedStack[];
  readonly onPut: PutListener;
  readonly onReshard: (stream: string) => void;
  /** Told of the ARN of a table's stream whose shards were closed. */
  readonly onRoll: (arn: string) => void;
}

export async function startServices(
  dataDirectory: string,
  faults: Faults,
  clock: Clock,
  listeners: ServiceListeners,
): Promise<Services> {
  const closing: (() => void | Promise<void>)[] = [];
  const started = <Started extends { stop(): Promise<void> }>(service: Started): Started => {
    closing.push(() => service.stop());
    return service;
  };
  const stop = async () => {
    await Promise.allSettled(closing.splice(0).map(async (close) => close()));
  };
  const onEnd = (text: string) => {
    listeners.onNotice({ level: "warning", text });
  };
  try {
    const [kinesis, dynamodb, storage] = await Promise.all([
      startKinesis(dataDirectory, onEnd).then(started),
      startDynamoDb(dataDirectory, onEnd).then(started),
      startStorage(dataDirectory).then(started),
    ]);
    const forwarder = (port: number): Forwarder["forward"] => {
      const forwarding = forwardTo(port);
      closing.push(() => forwarding.close());
      return (request) => forwarding.forward(request);
    };
    const streams = new KinesisFace(forwarder(kinesis.port), faults, listeners.onPut, listeners.onReshard);
    const tableStreams = new TableStreams(dynamodb.client, clock, listeners.onPut, listeners.onRoll);
    const tables = new DynamoDbFace(forwarder(dynamodb.port), faults, tableStreams);
    const opened = async (gateway: Promise<ServiceGateway>): Promise<ServiceGateway> => {
      const open = await gateway;
      closing.unshift(() => open.close());
      return open;
    };
    const storageForward = forwarder(storage.port);
    const moves = new MessageMoves({
      queues: storage.queues,
      urlOf: (arn) => storage.urlOf(arn.split(":").at(-1) ?? ""),
      movedFrom: (messageId) => storage.movedFrom(messageId),
      now: () => clock.now(),
    });
    const [kinesisGateway, dynamodbGateway, s3, sqs, firehose, eventbridge, cloudformation, sns, secrets] =
      await Promise.all([
        opened(openGateway(() => streams)),
        opened(openGateway(() => tables)),
        opened(openGateway(() => s3Face(storageForward, faults, clock))),
        opened(openGateway((origins) => sqsFace(storageForward, faults, clock, origins, storage.queueOrigin, moves))),
        opened(openGateway(() => firehoseFace(listeners.firehose, faults, clock))),
        opened(openGateway(() => eventsFace(listeners, faults, clock))),
        opened(openGateway(() => cloudFormationFace(listeners.stacks))),
        opened(openGateway(() => snsFace(storageForward, faults, clock))),
        opened(openGateway(() => secretsFace(listeners.secrets))),
      ]);
    return {
      kinesis,
      dynamodb,
      tableStreams,
      storage,
      gateways: {
        kinesis: kinesisGateway,
        dynamodb: dynamodbGateway,
        s3,
        sqs,
        sns,
        secrets,
        firehose,
        eventbridge,
        cloudformation,
      },
      tableUnits: () => ({ writeUnits: tables.writeUnits, readUnits: tables.readUnits }),
      functionPutUnits: () => streams.functionPutUnits,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
