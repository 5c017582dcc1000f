/** How a function proves who it is. Apart from what does so: the client library's types are not the types of a user of the construct. */
export type AuthKind = "iam" | "scram" | "plain" | "mtls" | "none";
