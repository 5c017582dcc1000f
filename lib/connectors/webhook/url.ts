/** Hosts that requests do not leave the machine for. */
const LOCAL: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** @returns why rows are not sent there; nothing where they may be */
export function problemOf(url: string): string | undefined {
  if (!URL.canParse(url)) return "no URL";
  const { protocol, hostname, username, password, hash } = new URL(url);
  if (protocol !== "https:" && !(protocol === "http:" && LOCAL.has(hostname))) return "not https";
  if (username !== "" || password !== "") return "one with a user's name or password in it";
  return hash === "" ? undefined : "one with a fragment";
}
