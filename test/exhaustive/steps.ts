import { InterruptedDelivery, type Delivery } from "../../lib/runtime/sink-writer.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import type { FaultKind } from "./configuration.ts";
import { isIdle, worksOf, type Process, type Running, type State, type System } from "./system.ts";
import { isRead, withMessage, type Request } from "./world.ts";

/** What may happen next. */
export interface Step {
  readonly text: () => string;
  readonly take: () => Promise<State> | State;
}

/** Everything that may happen next in a state, in an order that depends on nothing else. Faults come last. */
export function stepsFrom(system: System, state: State): readonly Step[] {
  const certain = certainSteps(system, state);
  if (certain !== undefined) return certain;
  const starts = batches(system, state);
  if (system.reduction.startsAtOnce) {
    if (starts.length > 0) return starts;
    const due = dueSteps(system, state);
    if (due.length > 0) return due;
  }
  return [
    ...state.processes.flatMap((process) => answers(system, state, process)),
    ...starts,
    ...messages(system, state),
    ...arrivals(system, state),
    ...expiries(system, state),
    ...landings(system, state),
    ...(state.faults > 0 ? faults(system, paid(state)) : []),
  ];
}

const paid = (state: State): State => ({ ...state, faults: state.faults - 1 });

/** When a process's answer is certain, only what becomes of this process: the answer, or a fault that strikes it. */
function certainSteps(system: System, state: State): readonly Step[] | undefined {
  const process = state.processes.find((one) => system.reduction.isCertain(state, one));
  if (process === undefined) return undefined;
  return [...answers(system, state, process), ...(state.faults > 0 ? processFaults(system, paid(state), process) : [])];
}

const nameOf = ({ moment }: Process): string => `process ${moment.uid}`;

export function nameOfRequest({ service, operation, subject, args }: Request): string {
  const what = service === "sink" ? (args[0] as readonly Delivery[]).map(({ id }) => id.replace(/^.*:/, "")) : args;
  const texts = what.map((arg) =>
    typeof arg === "object" && arg !== null && "nonce" in arg
      ? `${String((arg as { epoch?: number }).epoch)} by ${String(arg.nonce)}`
      : arg instanceof Uint8Array
        ? "…"
        : JSON.stringify(arg),
  );
  return `${subject === "" ? service : `sink ${subject}`} ${operation}(${texts.join(", ").slice(0, 160)})`;
}

function answers(system: System, state: State, process: Process): readonly Step[] {
  const waiting = [...process.moment.waiting];
  const next = system.configuration.answersInOrder === true ? waiting.slice(0, 1) : waiting;
  return next.map(([number, request]) => ({
    text: () => `${nameOf(process)}: ${nameOfRequest(request)}`,
    take: () => {
      const { world, answer: value } = system.carryOut(state, request, worksOf(process));
      const input = { kind: "answer", request: number, value } as const;
      return system.feed(system.spend({ ...state, world }, process, request), process, input);
    },
  }));
}

/** The processes that may take an invocation: a new one, and those that are there. */
function takers(system: System, { processes }: State): readonly (Process | undefined)[] {
  const { reentrant } = system.configuration;
  return [undefined, ...processes.filter((process) => reentrant === true || isIdle(process))];
}

function batches(system: System, state: State): readonly Step[] {
  const plans = system.configuration.mappings;
  return state.mappings.flatMap(({ next, isBusy }, mapping) => {
    const { shard, cuts } = plans[mapping]!;
    const there = state.world.shards.find(({ id }) => id === shard)!.sequences.length;
    if (isBusy || next >= there) return [];
    const ends = [...new Set(cuts.map((cut) => Math.min(next + cut, there)))];
    return ends.flatMap((to) =>
      takers(system, state).map((process) => {
        const running: Running = { work: system.batch(shard, next, to), mapping, to };
        const begun = { ...state, mappings: state.mappings.with(mapping, { next, isBusy: true }) };
        const who = process === undefined ? "a new process" : nameOf(process);
        return {
          text: () => `mapping ${mapping} of ${shard} gives records ${next + 1} to ${to} to ${who}`,
          take: () => system.invoke(begun, process, running),
        };
      }),
    );
  });
}

function messages(system: System, state: State, isRepeated = false): readonly Step[] {
  const given = state.processes.flatMap(worksOf).filter(({ kind }) => kind === "message").length;
  if (given >= (system.configuration.messagesAtOnce ?? Infinity)) return [];
  return [...state.world.queue.keys()].sort().flatMap((body) => {
    const { at, early } = timeOf(system, state, body);
    const waits = (early && state.earlyTicks === 0) || isBeforeIts(system, state, at);
    return waits ? [] : message(system, state, body, isRepeated);
  });
}

/** The first message whose time has come, if any: it is given to a process, or once too often. */
function dueSteps(system: System, state: State): readonly Step[] {
  if (system.configuration.messagesAtOnce !== undefined) return [];
  const due = [...state.world.queue.keys()].sort().find((body) => {
    const { at, early } = timeOf(system, state, body);
    return at <= state.clock && !early;
  });
  if (due === undefined) return [];
  const repeats = state.faults > 0 && may(system, "repeat") ? message(system, paid(state), due, true) : [];
  return [...message(system, state, due, false), ...repeats];
}

/** When a message is handed over, and whether that is while records are still to be read, which is bounded. */
function timeOf(system: System, state: State, body: string): { readonly at: number; readonly early: boolean } {
  const message = parseControlMessage(body)!;
  if (message.type === "tick") return { at: message.at, early: !system.isRead(state) };
  const plan = system.configuration.messages?.find(({ type, shard }) => system.bodyOf(type, shard) === body);
  // Where commits expire, time does not pass over work: no invocation lasts for weeks, and no request is that late.
  return { at: plan?.at ?? 0, early: system.configuration.expiry === true && !system.isRead(state) };
}

/** What was planned for an earlier time is done before: retries do not take weeks. */
function isBeforeIts(system: System, state: State, time: number): boolean {
  const inWork = state.processes.flatMap(worksOf).map((work) => (work.kind === "message" ? work.body : ""));
  return (system.configuration.messages ?? []).some(({ type, shard, at = 0 }) => {
    const body = system.bodyOf(type, shard);
    return at < time && (state.world.queue.has(body) || inWork.includes(body));
  });
}

function message(system: System, state: State, body: string, isRepeated: boolean): readonly Step[] {
  const { at, early } = timeOf(system, state, body);
  const begun: State = {
    ...state,
    world: isRepeated ? state.world : withMessage(state.world, body, -1),
    clock: Math.max(state.clock, at),
    earlyTicks: state.earlyTicks - (early ? 1 : 0),
  };
  return takers(system, state).map((process) => ({
    text: () => {
      const what = `${isRepeated ? "fault: the queue gives again" : "the queue gives"} ${nameOfMessage(body)}`;
      return `${what} to ${process === undefined ? "a new process" : nameOf(process)}`;
    },
    take: () => system.invoke(begun, process, { work: system.message(body) }),
  }));
}

function nameOfMessage(body: string): string {
  const message = parseControlMessage(body)!;
  return `${message.type}${message.type === "tick" ? ` ${message.id}` : ""} of ${message.task}`;
}

function arrivals(system: System, state: State): readonly Step[] {
  return state.world.shards.flatMap((shard, i) => {
    const record = system.recordsOf(shard.id)[shard.sequences.length];
    if (record === undefined) return [];
    const { sequence } = record.position;
    const shards = state.world.shards.with(i, { ...shard, sequences: [...shard.sequences, sequence] });
    const take = () => ({ ...state, world: { ...state.world, shards } });
    return [{ text: () => `record ${sequence} arrives in ${shard.id}`, take }];
  });
}

/** The store deletes what is past its time, oldest first. */
function expiries(system: System, state: State): readonly Step[] {
  if (system.configuration.expiry !== true) return [];
  return [...state.world.tasks].flatMap(([task, log]) => {
    const [oldest, ...left] = log.commits;
    if (oldest === undefined || oldest.expires > state.clock) return [];
    const tasks = new Map(state.world.tasks).set(task, { ...log, commits: left });
    const take = () => ({ ...state, world: { ...state.world, tasks } });
    return [{ text: () => `epoch ${oldest.epoch} of ${task} expires`, take }];
  });
}

function landings(system: System, state: State): readonly Step[] {
  return state.adrift.flatMap((one, i) => {
    const without = { ...state, adrift: state.adrift.toSpliced(i, 1) };
    return [one.request, ...partsOf(system, one.request)].map((request) => ({
      text: () => `lands late: ${nameOfRequest(request)}`,
      take: () => system.land(without, { ...one, request }),
    }));
  });
}

const may = (system: System, kind: FaultKind): boolean => system.configuration.faults.kinds.includes(kind);

/** A delivery of several items, cut short. */
function partsOf(system: System, request: Request): readonly Request[] {
  if (request.service !== "sink" || !may(system, "part")) return [];
  const items = request.args[0] as readonly Delivery[];
  return items.slice(1).map((_, i) => ({ ...request, args: [items.slice(0, i + 1)] }));
}

/** @param state in which the fault is paid for */
function faults(system: System, state: State): readonly Step[] {
  return [
    ...state.processes.flatMap((process) => processFaults(system, state, process)),
    ...(may(system, "repeat") ? messages(system, state, true) : []),
  ];
}

function processFaults(system: System, state: State, process: Process): readonly Step[] {
  return [
    ...(may(system, "crash") && !isIdle(process) ? crashes(system, state, process) : []),
    ...[...process.moment.waiting].flatMap(([number, request]) => [
      ...(may(system, "timeout") ? timeouts(system, state, process, number, request) : []),
      ...(may(system, "double") && !isRead(request) ? doubles(system, state, process, request) : []),
      ...interruptions(system, state, process, number, request),
    ]),
  ];
}

/** Every way in which requests on their way may land, or not, once nobody waits for them. */
function left(
  system: System,
  state: State,
  process: Process,
  requests: readonly Request[],
): readonly [string, () => State][] {
  const works = worksOf(process);
  const spent = requests.reduce((next, request) => system.spend(next, process, request), state);
  const writes = requests.filter((request) => !isRead(request));
  if (writes.length === 0) return [["", () => state]];
  if (system.configuration.faults.landing !== "prompt") {
    return [[", its requests land later", () => system.setAdrift(spent, writes, works)]];
  }
  const subsets = writes.reduce<readonly (readonly Request[])[]>(
    (all, request) =>
      all.flatMap((some) => [some, ...[request, ...partsOf(system, request)].map((one) => [...some, one])]),
    [[]],
  );
  return subsets.map((landed) => [
    `, carried out: ${landed.map(nameOfRequest).join(" and ") || "nothing"}`,
    () => landed.reduce((next, request) => system.land(next, { request, works }), landed.length === 0 ? state : spent),
  ]);
}

function crashes(system: System, state: State, process: Process): readonly Step[] {
  return left(system, state, process, [...process.moment.waiting.values()]).map(([how, next]) => ({
    text: () => `fault: ${nameOf(process)} dies${how}`,
    take: () => system.crash(next(), process),
  }));
}

function timeouts(system: System, state: State, process: Process, number: number, request: Request): readonly Step[] {
  return left(system, state, process, [request]).map(([how, next]) => ({
    text: () => `fault: ${nameOf(process)} gets an error for ${nameOfRequest(request)}${how}`,
    take: () => system.feed(next(), process, { kind: "fail", request: number }),
  }));
}

function doubles(system: System, state: State, process: Process, request: Request): readonly Step[] {
  return left(system, state, process, [request]).map(([how, next]) => ({
    text: () => `fault: ${nameOf(process)} sends twice: ${nameOfRequest(request)}${how}`,
    take: next,
  }));
}

function interruptions(
  system: System,
  state: State,
  process: Process,
  number: number,
  request: Request,
): readonly Step[] {
  return partsOf(system, request).flatMap((part) => {
    const count = (part.args[0] as readonly Delivery[]).length;
    return [count, undefined].map((delivered) => ({
      text: () =>
        `fault: ${nameOf(process)}: only ${nameOfRequest(part)}, ` +
        (delivered === undefined ? "and an error" : InterruptedDelivery.name),
      take: () => {
        const next = system.land(system.spend(state, process, part), { request: part, works: worksOf(process) });
        return system.feed(next, process, {
          kind: "fail",
          request: number,
          ...(delivered !== undefined && { delivered }),
        });
      },
    }));
  });
}
