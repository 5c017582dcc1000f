import flights from "../flights.ts";
import { runTurns, type Shape } from "./turns.ts";

// A child's program: SHAPE INPUT ROWS. It writes its report as JSON.
const [shape, input, rows] = process.argv.slice(2) as [Shape, string, string];
console.log(JSON.stringify(await runTurns(flights, shape, input, rows)));
