import { request } from "node:http";
import Module from "node:module";

// In place of the client's half in C++, which needs compilers: it sends answers. Node takes a file of its name for machine code,
// unless it is told that it is JavaScript.
const { _extensions: extensions } = Module as unknown as { readonly _extensions: Record<string, unknown> };
extensions[".node"] = extensions[".js"];

function send(id: string, what: string, body: string): void {
  const [host, port] = process.env["AWS_LAMBDA_RUNTIME_API"]!.split(":") as [string, string];
  request({ host, port, path: `/2018-06-01/runtime/invocation/${id}/${what}`, method: "POST" }).end(body);
}

export const done = (id: string, body: string): void => send(id, "response", body);
export const error = (id: string, body: string): void => send(id, "error", body);
