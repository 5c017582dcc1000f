import { kafkaRecords, kinesisRecords, replication, streamCopy, topicCopy } from "millrace";

export const BERLIN = "ring-berlin";
export const PARIS = "ring-paris";

/** Three clusters in a ring, of which one is Kinesis: what is produced anywhere comes to each of the others, and stops there. */
export default replication(
  "ring",
  {
    from: kafkaRecords("berlin", { cluster: "berlin", topic: BERLIN }),
    to: streamCopy("to_dublin", { cluster: "dublin" }),
  },
  {
    from: kinesisRecords("dublin", { cluster: "dublin" }),
    to: topicCopy("to_paris", { cluster: "paris", topic: PARIS }),
  },
  {
    from: kafkaRecords("paris", { cluster: "paris", topic: PARIS }),
    to: topicCopy("to_berlin", { cluster: "berlin", topic: BERLIN, partitionBy: "key" }),
  },
);
