import { describe, expect, test } from "vitest";
import { HELP, parseOptions, UsageError } from "./options.ts";

describe("options", () => {
  test("none", () => {
    expect(parseOptions([])).toEqual({
      pipeline: "aggregate-flight-delays",
      faults: false,
      seed: 1,
      reshard: false,
      keep: false,
      help: false,
    });
  });

  test("all, with thousands separators", () => {
    const args = [
      "--pipeline",
      "track-earthquakes",
      "--events",
      "1,000,000",
      "--shards=4",
      "--rate",
      "5_000",
      "--faults",
      "--seed",
      "7",
      "--reshard",
      "--keep",
      "--trace",
      "3",
    ];
    expect(parseOptions(args)).toEqual({
      pipeline: "track-earthquakes",
      events: 1_000_000,
      shards: 4,
      rate: 5_000,
      trace: 3,
      faults: true,
      seed: 7,
      reshard: true,
      keep: true,
      help: false,
    });
  });

  test.each([
    [["--event", "5"], "There is no option --event. See --help."],
    [["-x"], "There is no option -x. See --help."],
    [["--constructor"], "There is no option --constructor. See --help."],
    [["5000"], '"5000" is not an option. Did you mean --events 5000?'],
    [["--events"], "--events wants a value: --events 1000"],
    [["--events", "--faults"], "--events wants a value: --events 1000"],
    [["--events", "0"], '--events is a whole number, 1 or more, not "0".'],
    [["--events", "-5"], '--events is a whole number, 1 or more, not "-5".'],
    [["--events", "1e5"], '--events is a whole number, 1 or more, not "1e5".'],
    [["--shards", "33"], '--shards is a whole number, 1 to 32, not "33".'],
    [["--trace", "101"], '--trace is a whole number, 1 to 100, not "101".'],
    [["--rate", "fast"], '--rate is a whole number, 1 to 1,000,000, not "fast".'],
    [["--faults=yes"], "--faults takes no value."],
    [["--seed", "3"], "--seed is the seed of the faults: give --faults too."],
    [["--shards", "2", "--shards", "3"], "--shards was given twice."],
    [["--pipeline", "../x"], '--pipeline is the name of a folder of functions/, not "../x".'],
  ])("%j is refused", (args, message) => {
    expect(() => parseOptions(args)).toThrow(new UsageError(message));
  });

  test("the help names every option", () => {
    for (const option of ["pipeline", "events", "shards", "rate", "faults", "seed", "reshard", "keep", "help"])
      expect(HELP).toContain(`--${option}`);
  });
});
