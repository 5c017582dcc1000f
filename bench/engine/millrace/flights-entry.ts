import flights from "../flights.ts";
import { runTurns, type Shape } from "./turns.ts";

// A child's program: SHAPE INPUT ROWS BATCH. It writes its report as JSON.
const [shape, input, rows, batch] = process.argv.slice(2) as [Shape, string, string, string];
console.log(JSON.stringify(await runTurns(flights, shape, input, rows, Number(batch))));
