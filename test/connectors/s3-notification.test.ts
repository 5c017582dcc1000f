import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../lib/errors.ts";
import { BEGINNING, continuation, objectsIn, type ObjectPart } from "../../lib/connectors/s3/notification.ts";

/** What S3 sends of a put, as its documentation has it ("Event message structure", version 2.3). */
const ofS3 = (key: string, eventName = "ObjectCreated:Put", versionId?: string) => ({
  Records: [
    {
      eventVersion: "2.3",
      eventSource: "aws:s3",
      awsRegion: "us-west-2",
      eventTime: "1970-01-01T00:00:00.000Z",
      eventName,
      userIdentity: { principalId: "AIDAJDPLRKLG7UEXAMPLE" },
      requestParameters: { sourceIPAddress: "127.0.0.1" },
      responseElements: { "x-amz-request-id": "C3D13FE58DE4C810" },
      s3: {
        s3SchemaVersion: "1.0",
        configurationId: "testConfigRule",
        bucket: { name: "b", ownerIdentity: { principalId: "A3NL1KOZZKExample" }, arn: "arn:aws:s3:::b" },
        object: {
          key,
          size: 1024,
          eTag: "d41d8cd98f00b204e9800998ecf8427e",
          versionId,
          sequencer: "0055AED6DCD90281E5",
        },
      },
    },
  ],
});

/** What EventBridge sends of it ("EventBridge event message structure"). */
const ofEventBridge = (key: string, type = "Object Created") => ({
  version: "0",
  id: "17793124-05d4-b198-2fde-7ededc63b103",
  "detail-type": type,
  source: "aws.s3",
  account: "111122223333",
  time: "2021-11-12T00:00:00Z",
  region: "ca-central-1",
  resources: ["arn:aws:s3:::b"],
  detail: {
    version: "0",
    bucket: { name: "b" },
    object: {
      key,
      size: 5,
      etag: "b1946ac92492d2347c6235b4d2611184",
      "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
    },
    "request-id": "N4N7GDK58NMKJ12R",
    requester: "123456789012",
    "source-ip-address": "1.2.3.4",
    reason: "PutObject",
  },
});

/** A key as S3 writes it in its notifications. */
const asForm = (key: string) => encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/");

const read = (message: unknown) => objectsIn(JSON.stringify(message));

describe("objects of a message", () => {
  test("of S3's own, whatever characters its key has", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", minLength: 1 }).filter((key) => key.isWellFormed()),
        (key) => {
          expect(read(ofS3(asForm(key)))).toEqual([
            { bucket: "b", key, etag: "d41d8cd98f00b204e9800998ecf8427e", versionId: undefined, from: BEGINNING },
          ]);
        },
      ),
    );
    expect(read(ofS3("a+day%2B%C3%A9/x.jsonl"))[0]!.key).toBe("a day+é/x.jsonl");
  });

  test("of EventBridge, whose keys are plain", () => {
    expect(read(ofEventBridge("a+day%2B/x"))).toEqual([
      {
        bucket: "b",
        key: "a+day%2B/x",
        etag: "b1946ac92492d2347c6235b4d2611184",
        versionId: "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        from: BEGINNING,
      },
    ]);
  });

  test("by way of SNS", () => {
    expect(read({ Type: "Notification", Message: JSON.stringify(ofS3("k")) })).toEqual(read(ofS3("k")));
  });

  test("what was before the bucket had versions has none", () => {
    expect(read(ofS3("k", "ObjectCreated:Copy", "null"))[0]!.versionId).toBeUndefined();
    expect(read(ofS3("k", "ObjectCreated:Copy", "v1"))[0]!.versionId).toBe("v1");
  });

  test("none of S3's test, nor of what was no creation", () => {
    expect(
      read({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "b", Time: "2014-10-13T15:57:02.089Z" }),
    ).toEqual([]);
    expect(read(ofS3("k", "ObjectRemoved:Delete"))).toEqual([]);
    expect(read(ofEventBridge("k", "Object Deleted"))).toEqual([]);
  });

  test("a part is read on where its message says", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.option(fc.string({ minLength: 1 })), (line, byte, version) => {
        const part: ObjectPart = {
          bucket: "b",
          key: "é+ /",
          etag: "e",
          versionId: version ?? undefined,
          from: { line, byte },
        };
        if (version === "null") return;
        expect(objectsIn(continuation(part))).toEqual([part]);
      }),
    );
  });

  test("anything else is poison, and never another error", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((json) => `{"Records":[${json}]}`),
        ),
        (body) => {
          try {
            objectsIn(body);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MillraceError);
            expect(thrown).toMatchObject({ kind: "poison", code: "s3/notification" });
          }
        },
      ),
      { numRuns: 500 },
    );
    for (const body of ["", "[]", "{}", '{"Records":[{}]}', JSON.stringify(ofS3("%E0%A4%A")), JSON.stringify(ofS3(""))])
      expect(() => objectsIn(body), body).toThrow(/no object is known by it/);
  });
});
