import { poisonError } from "../../errors.ts";
import { isCluster, type Origin } from "./raw-record.ts";

/** Names of the headers, or tags, by which every copy says what it is a copy of. */
export const ORIGIN = "millrace-origin";
export const CLUSTERS = "millrace-clusters";

/** More than any sensible topology has: a longer list is none. */
const MOST_CLUSTERS = 32;
/** Bytes. */
const LONGEST_ID = 1_024;

/** What a record is that carries no word of where it comes from: it was produced where it is read. */
export const producedAt = (cluster: string, place: readonly (string | number)[]): Origin => ({
  id: [cluster, ...place].join("/"),
  clusters: [cluster],
});

/**
 * Where a copy comes from, by what it says itself. Whoever may write to a stream may write this too: it is checked, bounded, and
 * means that a record is not copied to a cluster; never more.
 *
 * A copy is never made for a cluster that its record has been in. One that says so of where it is read goes around: pipelines call
 * clusters by other names than each other, or a stream is copied to itself. It would for ever, and each time be one more.
 *
 * @param cluster where it is read
 * @throws poison errors `replication/provenance`, `replication/around`
 */
export function originIn(id: string | undefined, clusters: string | undefined, cluster: string): Origin {
  const list = (clusters ?? "").slice(0, MOST_CLUSTERS * 33).split(",");
  if (
    id === undefined ||
    id === "" ||
    Buffer.byteLength(id) > LONGEST_ID ||
    list.length > MOST_CLUSTERS ||
    !list.every(isCluster)
  ) {
    throw poisonError({
      code: "replication/provenance",
      message: `The record has ${ORIGIN} or ${CLUSTERS}, and not as copies have them.`,
      advice: "Only replication writes these.",
    });
  }
  if (list.includes(cluster)) {
    throw poisonError({
      code: "replication/around",
      message: `The record was in "${cluster}" before it was copied there, and would go around.`,
      advice: "Give each cluster one name in all pipelines (docs/replication.md), and copy no stream to itself.",
    });
  }
  return { id, clusters: [...list, cluster] };
}

/** The list as a copy carries it. */
export const clustersText = ({ clusters }: Origin): string => clusters.join(",");
