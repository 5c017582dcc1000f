import { kinesisRecords, replication, streamCopy } from "millrace";

/** What is produced here, or comes through here, is copied to frankfurt. */
export default replication("to-frankfurt", {
  from: kinesisRecords("orders", { cluster: "dublin" }),
  to: streamCopy("orders_in_frankfurt", { cluster: "frankfurt" }),
});
