import { useQuery } from "@tanstack/react-query";
import { api } from "./client";

export interface Node {
  /** The socket ids of its clients begin with it. */
  id: number;
  name: string;
  address: string;
  version: string;
  state: "up" | "draining" | "left" | "gone";
  started_at: string;
  /** A node that is alone needs no lease. */
  lease_left_ms: number | null;
  has_desk: boolean;
}

export interface Bus {
  is_up: boolean;
  neighbours: number;
  is_whole: boolean;
  published: number;
  received: number;
  dropped: number;
  lost: number;
  reconnects: number;
}

/** The nodes, as the one that answered sees them. */
export interface Cluster {
  is_cluster: boolean;
  answered_by: number;
  state: "well" | "degraded";
  reasons: { reason: string; meaning: string }[];
  has_database: boolean;
  nodes: Node[];
  bus: Bus | null;
}

export const useCluster = () =>
  useQuery({
    queryKey: ["cluster"],
    queryFn: () => api.read<Cluster>(["cluster"]),
    refetchInterval: 3_000,
  });
