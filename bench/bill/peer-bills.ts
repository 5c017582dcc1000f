import { prices } from "../../lib/cdk/prices.ts";
import { assumptions } from "./assumptions.ts";
import { kinesisDollars, monthSeconds, streamOf, type Bill } from "./millrace-bill.ts";
import type { Measured } from "./measured.ts";
import { morePrices } from "./more-prices.ts";

const GIGABYTE = 2 ** 30;
const { hours, filled } = assumptions;

/** Processors that so much CPU keeps busy as far as they are to be filled. */
const processors = (rate: number, cpuPerMillion: number): number => (rate * cpuPerMillion) / 1_000_000 / filled.value;

/** Managed Flink on the same stream; it writes its files by itself. */
export function flinkBill(measured: Measured, packed: boolean, rate: number): Bill {
  const shape = packed ? measured.packed : measured.single;
  const units = Math.max(1, Math.ceil(processors(rate, measured.flinkCpu)));
  return {
    Kinesis: kinesisDollars(streamOf(shape, rate, packed ? 1 : 0), shape),
    KPUs: (units + 1) * morePrices.kpu.dollars * hours.value + units * 50 * morePrices.kpuStorage.dollars,
    S3: (units * assumptions.filesPerHour.value * hours.value * prices.s3Put.dollars) / 1_000,
  };
}

/** What Fargate has below one vCPU; above it takes any number of tasks. */
const SMALL_TASKS = [0.25, 0.5, 1];

/**
 * Kafka Streams on Fargate beside MSK. Its rows end in a topic: bringing them to S3 would cost more.
 *
 * @param compressed whether producers compress their batches: then as well as Millrace's do, whose records are packed alike
 */
export function kafkaStreamsBill(measured: Measured, compressed: boolean, rate: number): Bill {
  const { packed, eventBytes } = measured;
  const bytes = rate * (compressed ? packed.recordBytes / packed.eventsPerRecord : eventBytes);
  const megabytes = bytes / 1_000_000;
  const sets = Math.max(1, Math.ceil(megabytes / assumptions.largeBroker.value));
  const broker = megabytes <= assumptions.smallBroker.value ? morePrices.brokerSmall : morePrices.brokerLarge;
  const kept = (bytes * assumptions.kafkaHours.value * 3_600 * assumptions.brokers.value) / GIGABYTE;
  const wanted = processors(rate, measured.kafkaStreamsCpu);
  const vcpus = SMALL_TASKS.find((size) => size >= wanted) ?? Math.ceil(wanted);
  const memory = Math.max(1, vcpus) * assumptions.taskMemory.value;
  const sent = (bytes * monthSeconds) / GIGABYTE;
  return {
    MSK: assumptions.brokers.value * sets * broker.dollars * hours.value + kept * morePrices.brokerStorage.dollars,
    Fargate: (vcpus * morePrices.fargateProcessor.dollars + memory * morePrices.fargateMemory.dollars) * hours.value,
    "between zones": sent * assumptions.otherZones.value * morePrices.betweenZones.dollars,
  };
}

/** Flock's own ratio, taken of the KPUs: the least and the most of a month, with the same stream. */
export function flockDollars(measured: Measured, rate: number): readonly [least: number, most: number] {
  const { Kinesis, KPUs } = flinkBill(measured, true, rate);
  return [Kinesis! + KPUs! / assumptions.flockMost.value, Kinesis! + KPUs! / assumptions.flockLeast.value];
}
