import { joined, metricKey, single, type Metrics, type Statistics } from "../metrics/metrics.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import type { LocalAlarm } from "../types.ts";
import { alarmSettings, type AlarmSettings } from "./alarm-settings.ts";
import { alarmState, evaluationRange } from "./alarm-state.ts";

/** What stands at a moment, and is measured again in each minute. */
export interface Gauge {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** @param minute the one that is measured, counted since the start */
  readonly valueAt: (minute: number) => number;
}

type Alarm = AlarmSettings | { readonly logicalId: string; readonly unjudged: string };

const alarmsOf = (resources: readonly ResolvedResource[]): readonly Alarm[] =>
  resources
    .filter(({ type }) => type === "AWS::CloudWatch::Alarm")
    .map((resource) => {
      const settings = alarmSettings(resource);
      return typeof settings === "string" ? { logicalId: resource.logicalId, unjudged: settings } : settings;
    });

/** A day and an hour: the longest that CloudWatch lets an alarm look back, and what is looked at beyond. */
const MINUTES_KEPT = 26 * 60;

/**
 * The alarms of the templates, on a clock of their own: nothing here waits for a quarter of an hour to pass. What was
 * measured since the last time falls in the first minute that passes; what stands is measured in each.
 */
export class AlarmClock {
  private alarms: readonly Alarm[];
  private readonly metrics: Metrics;
  private readonly gauges: (minute: number) => Promise<readonly Gauge[]>;
  /** By metric, and by minute. */
  private readonly history = new Map<string, Map<number, Statistics>>();
  private minute = 0;

  /** @param gauges gives what stands; told the minute that begins */
  constructor(
    resources: readonly ResolvedResource[],
    metrics: Metrics,
    gauges: (minute: number) => Promise<readonly Gauge[]>,
  ) {
    this.alarms = alarmsOf(resources);
    this.metrics = metrics;
    this.gauges = gauges;
  }

  /** Judges by other alarms from now on, on what was measured before as well. */
  update(resources: readonly ResolvedResource[]): void {
    this.alarms = alarmsOf(resources);
  }

  async pass(minutes: number): Promise<readonly LocalAlarm[]> {
    const first = this.minute;
    const gauges = await this.gauges(first);
    for (const [key, statistics] of this.metrics.takeRecent()) this.note(key, first, statistics);
    for (; this.minute < first + minutes; this.minute++) {
      for (const { namespace, name, dimensions, valueAt } of gauges)
        this.note(metricKey(namespace, name, dimensions), this.minute, single(valueAt(this.minute)));
    }
    this.forget();
    return this.alarms.map((alarm) =>
      "unjudged" in alarm
        ? alarm
        : { logicalId: alarm.logicalId, description: alarm.description, state: this.stateOf(alarm) },
    );
  }

  private note(key: string, minute: number, statistics: Statistics): void {
    const minutes = this.history.get(key) ?? new Map<number, Statistics>();
    this.history.set(key, minutes);
    minutes.set(minute, joined(minutes.get(minute), statistics));
  }

  private forget(): void {
    for (const minutes of this.history.values())
      for (const minute of minutes.keys()) if (minute < this.minute - MINUTES_KEPT) minutes.delete(minute);
  }

  /** Periods end with the minute that has just passed. Before the first one there was nothing. */
  private stateOf({ metric, periodMinutes, statistic, rule }: AlarmSettings): "ALARM" | "OK" {
    const minutes = this.history.get(metric);
    const datapoints: (number | undefined)[] = [];
    for (let period = evaluationRange(rule); period > 0; period--) {
      const begin = this.minute - period * periodMinutes;
      let statistics: Statistics | undefined;
      for (let minute = begin; minute < begin + periodMinutes; minute++) {
        const one = minutes?.get(minute);
        if (one !== undefined) statistics = joined(statistics, one);
      }
      datapoints.push(statistics === undefined ? undefined : statistic(statistics));
    }
    return alarmState(datapoints, rule);
  }
}
