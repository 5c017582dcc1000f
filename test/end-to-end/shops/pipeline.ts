import {
  bigint,
  dynamoTable,
  kinesis,
  lake,
  list,
  pipeline,
  processingTime,
  reducing,
  text,
  timestamp,
} from "millrace";
import * as z from "zod";

/** No key: producers spread orders at random. */
const orders = kinesis("orders", {
  schema: z.object({ shop: z.string(), article: z.string(), at: z.number() }),
  eventTime: (order) => order.at,
  disorder: { seconds: 1 },
});

const articles = dynamoTable("articles", { key: "id", schema: z.object({ id: z.string(), cents: z.number() }) });

/** What shops have sold, at looked-up prices, told two seconds after the first order, by the clock. */
export default pipeline("shops", (flow) => {
  flow
    .from(orders)
    .keyBy("by-shop", { shop: (order) => order.shop })
    .enrich("price", {
      key: (order) => order.article,
      table: articles,
      with: (order, found) => ({ ...order, cents: BigInt(found?.cents ?? 0) }),
    })
    .byKey.process("turnover", {
      state: { cents: reducing(z.bigint(), (a, b) => a + b, { initial: 0n }), times: list(z.number()) },
      operatorState: { orders: reducing(z.bigint(), (a, b) => a + b, { initial: 0n }) },
      timers: { tell: processingTime },
      onRecord({ cents, at }, { state, operatorState, timers }) {
        state.cents.add(cents);
        state.times.append(at);
        operatorState.orders.add(1n);
        if (timers.tell.at === undefined) timers.tell.after({ seconds: 2 });
      },
      *onTimer(_timer, { key, now, state, operatorState }) {
        yield { shop: key.shop, at: now, cents: state.cents.get(), orders: operatorState.orders.get() };
      },
    })
    .to(lake("turnovers", { shop: text, at: timestamp, cents: bigint, orders: bigint }));
});
