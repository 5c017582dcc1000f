import { kinesisRecords, replication, streamCopy } from "millrace";

/** What is produced here, or comes through here, is copied to dublin. */
export default replication("to-dublin", {
  from: kinesisRecords("orders", { cluster: "frankfurt" }),
  to: streamCopy("orders_in_dublin", { cluster: "dublin" }),
});
