import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import type { GatewayAnswer, GatewayRequest } from "./exchange.ts";
import type { Forward, ServiceFace } from "./service-gateway.ts";
import { throughSinkFaults } from "./sink-faults.ts";

export function s3Face(forward: Forward, faults: Faults, clock: Clock): ServiceFace {
  return {
    operationOf: operation,
    handle: (request, name, caller) => {
      if (caller === "user") return forward(request);
      const isWrite = !name.startsWith("Get") && !name.startsWith("Head") && !name.startsWith("List");
      return throughSinkFaults(faults, clock, isWrite, failure, () => forward(request));
    },
  };
}

/** S3 names its operations by method, path and query. */
function operation(request: GatewayRequest): string {
  const url = new URL(request.path, "http://localhost");
  const query = url.searchParams;
  const onObject = url.pathname.split("/").filter((part) => part !== "").length > 1;
  switch (request.method) {
    case "PUT":
      if (!onObject) return "CreateBucket";
      if (query.has("uploadId")) return "UploadPart";
      return request.headers["x-amz-copy-source"] === undefined ? "PutObject" : "CopyObject";
    case "GET":
      if (onObject) return "GetObject";
      if (url.pathname === "/") return "ListBuckets";
      return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
    case "HEAD":
      return onObject ? "HeadObject" : "HeadBucket";
    case "DELETE":
      if (!onObject) return "DeleteBucket";
      return query.has("uploadId") ? "AbortMultipartUpload" : "DeleteObject";
    case "POST":
      if (query.has("uploads")) return "CreateMultipartUpload";
      return query.has("uploadId") ? "CompleteMultipartUpload" : "DeleteObjects";
    default:
      return request.method;
  }
}

function failure(status: 500 | 503): GatewayAnswer {
  const [code, message] =
    status === 503
      ? ["SlowDown", "Please reduce your request rate."]
      : ["InternalError", "We encountered an internal error. Please try again."];
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body: Buffer.from(body) };
}
