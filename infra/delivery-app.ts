import { App } from "aws-cdk-lib";
import { addDelivery, deliveryOf } from "./delivery-role.ts";

const app = new App();
addDelivery(
  app,
  deliveryOf((name) => app.node.tryGetContext(name) as unknown),
);
