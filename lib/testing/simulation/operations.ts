import type { FaultKind } from "./faults.ts";
import { BROKEN } from "./broken-build.ts";
import type { Simulation } from "./simulation.ts";
import { DEAD_LETTERS } from "../../runtime/dead-letter.ts";

/** Times at which something larger may happen. */
const MOMENTS = 10;

const KINDS: readonly FaultKind[] = [
  "split",
  "merge",
  "reshard-storm",
  "sink-down",
  "table-down",
  "bucket-down",
  "deploy",
  "bad-deploy",
  "early-expiry",
];

const DAY = 86_400_000;

/** No request is on its way for longer, in milliseconds. */
const LONGEST_REQUEST = 900_000;

/** Plans what people and services do while records come: reshards, deployments, outages, expiry, sweeps. */
export function planOperations(simulation: Simulation, end: number): void {
  const { clock, draws, faults, settings, stages, changelog } = simulation;
  const length = end - settings.start;
  for (let moment = 0; moment < MOMENTS; moment++) {
    const at = settings.start + length * ((moment + draws.at("moments", moment)) / MOMENTS);
    clock.at(Math.round(at), () => operate(simulation));
  }
  const sweep = () => {
    if (simulation.isSettling) return;
    for (const { ticks } of stages) ticks.send({ type: "sweep" });
    clock.after(settings.sweepEvery, sweep);
  };
  clock.after(settings.sweepEvery, sweep);
  for (let at = settings.start + DAY; at < end; at += DAY) {
    clock.at(at, () => {
      const fault = faults.at("days", ["expiry"]);
      // The store deletes what has expired when it comes to it: days later, in no order.
      if (fault !== undefined) changelog.forget(({ expires }) => expires < clock.now && fault.draws.chance(0.7));
    });
  }
}

function operate(simulation: Simulation): void {
  const { clock, faults, stages, settings, sinks, changelog, network } = simulation;
  const fault = faults.at("moments", KINDS);
  if (fault === undefined) return;
  const { kind, draws } = fault;
  simulation.tell(kind);
  // One stage's stream at a time, whichever that is.
  const { stream, mapping } = stages.length === 1 ? stages[0]! : draws.pick(stages);
  const before = stream.shards.length;
  switch (kind) {
    case "split":
      stream.split(draws.pick(stream.open), draws.next());
      break;
    case "merge":
      stream.merge(draws.pick(stream.open));
      break;
    case "reshard-storm":
      for (let n = draws.between(2, 5); n > 0; n--) {
        clock.after(draws.around(500), () => {
          const from = stream.shards.length;
          const shard = draws.pick(stream.open);
          if (draws.chance(0.5)) stream.split(shard, draws.next());
          else stream.merge(shard);
          for (const added of stream.shards.slice(from)) mapping.wake(added);
        });
      }
      break;
    case "sink-down": {
      const names = [...sinks.keys()].filter((name) => name !== DEAD_LETTERS);
      const sink = sinks.get(draws.chance(0.8) ? draws.pick(names) : DEAD_LETTERS)!;
      sink.isDown = true;
      simulation.outagesEnd = clock.now + settings.outage;
      clock.after(settings.outage, () => (sink.isDown = false));
      break;
    }
    case "table-down":
    case "bucket-down": {
      const service = kind === "table-down" ? "changelog" : "objects";
      network.down.add(service);
      simulation.outagesEnd = clock.now + settings.outage;
      clock.after(settings.outage, () => network.down.delete(service));
      break;
    }
    case "deploy":
      simulation.deploy();
      break;
    case "bad-deploy":
      simulation.deploy(BROKEN);
      clock.after(settings.outage, () => simulation.deploy());
      break;
    case "early-expiry": {
      // The oldest go first, and the newest stays. None goes while a request of its time may still be on its way.
      const share = draws.next();
      changelog.forget(({ epoch }, task, head) => {
        const { commits } = simulation.ledger.tasks.get(task)!;
        const first = commits[0]!.stored.epoch;
        const age = clock.now - commits[epoch - first]!.at;
        return epoch < head && age > LONGEST_REQUEST && epoch <= first + share * (head - first);
      });
      break;
    }
  }
  for (const added of stream.shards.slice(before)) mapping.wake(added);
}
