/**
 * The function that the mapping probes look through, in CommonJS, within the 4 KB of inline code. It writes down each
 * invocation in the table (`TABLE`), in the partition of the probe that its records name, and does what records ask for:
 * `{ probe, i, fail?, report? }` fails the invocation, or reports the record as failed, for so many times.
 */
export const FUNCTION_CODE = `
const { DynamoDBClient, PutItemCommand, UpdateItemCommand } = require("@aws-sdk/client-dynamodb");
const client = new DynamoDBClient({});
const TableName = process.env.TABLE;
const count = async (task) => {
  const { Attributes } = await client.send(new UpdateItemCommand({
    TableName, Key: { task: { S: task }, epoch: { N: "0" } }, ReturnValues: "UPDATED_NEW",
    UpdateExpression: "ADD seen :one", ExpressionAttributeValues: { ":one": { N: "1" } },
  }));
  return Number(Attributes.seen.N);
};
exports.handler = async (event) => {
  const began = Date.now();
  const records = event.Records.map(({ eventID, kinesis: { data, sequenceNumber, partitionKey } }) => ({
    ...JSON.parse(Buffer.from(data, "base64").toString()), eventID, sequenceNumber, partitionKey,
  }));
  const { probe } = records[0];
  const batchItemFailures = [], reported = [];
  let fails = false;
  for (const { i, fail, report, sequenceNumber } of records) {
    if (fail === undefined && report === undefined) continue;
    const seen = await count(probe + "/" + i);
    if (seen <= (fail || 0)) fails = true;
    if (seen <= (report || 0)) {
      batchItemFailures.push({ itemIdentifier: sequenceNumber });
      reported.push(i);
    }
  }
  if (records[0].pause) await new Promise((resolve) => setTimeout(resolve, records[0].pause));
  const what = { records, fails, reported, began, ended: Date.now() };
  const epoch = String(await count(probe + "/turn"));
  await client.send(new PutItemCommand({
    TableName, Item: { task: { S: probe }, epoch: { N: epoch }, what: { S: JSON.stringify(what) } },
  }));
  if (fails) throw new Error("asked to fail");
  return { batchItemFailures };
};
`.trim();
