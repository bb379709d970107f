import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Cluster } from "../../api/cluster";
import { rendered } from "../../parts/rendered";
import { AllNodes } from "./Nodes";

const node = { id: 7, name: "node-1", address: "10.0.0.1:6001", version: "1.2.3", state: "up", started_at: "2026-11-22T00:00:00.000Z", lease_left_ms: 14_000, has_desk: true } as const;
const bus = { is_up: true, neighbours: 1, is_whole: true, published: 5, received: 6, dropped: 2, lost: 3, reconnects: 1 };
const well: Cluster = { is_cluster: true, answered_by: 7, state: "well", reasons: [], has_database: true, nodes: [node], bus };

const answer = (cluster: Cluster) =>
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(JSON.stringify(cluster)));

// jsdom knows no sizes: without one, no row is in sight.
vi.mock("../../parts/VirtualTable", () => ({
  VirtualTable: ({ rows, columns }: { rows: { id: number }[]; columns: { key: string; render: (row: unknown) => React.ReactNode }[] }) =>
    rows.map((row) => (
      <div key={row.id} data-testid={`row-${row.id}`}>
        {columns.map(({ key, render }) => (
          <span key={key}>{render(row)}</span>
        ))}
      </div>
    )),
}));

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

it("shows_each_node_with_its_state_and_who_sends_webhooks", async () => {
  answer({ ...well, nodes: [node, { ...node, id: 8, name: "node-2", state: "gone", has_desk: false, lease_left_ms: 0 }] });
  rendered(<AllNodes />);
  const [first, second] = [await screen.findByTestId("row-7"), screen.getByTestId("row-8")];
  expect(first.textContent).toMatch(/node-1.*answers.*Up.*sent from here/);
  expect(second.textContent).toMatch(/node-2.*Gone/);
  expect(second.textContent).not.toMatch(/answers|sent from here/);
  expect(screen.queryByText(/Degraded/)).toBeNull();
  expect(screen.getByText("2 could not go out, 3 did not come")).toBeTruthy();
});

it("says_what_degraded_means", async () => {
  const reasons = [{ reason: "bus_down", meaning: "The bus is down: events reach only clients of the node." }];
  answer({ ...well, state: "degraded", reasons, bus: { ...bus, is_up: false } });
  rendered(<AllNodes />);
  expect(await screen.findByText(/^Degraded: clients are served/)).toBeTruthy();
  expect(screen.getByText(/^The bus is down/)).toBeTruthy();
  expect(screen.getByText("Down")).toBeTruthy();
  expect(screen.getByText("Known as they were when the bus went down")).toBeTruthy();
});

it("shows_a_server_of_one_node_without_a_bus_or_a_lease", async () => {
  answer({ ...well, is_cluster: false, nodes: [{ ...node, lease_left_ms: null }], bus: null });
  rendered(<AllNodes />);
  expect((await screen.findByTestId("row-7")).textContent).not.toMatch(/answers|14 s/);
  expect(screen.getByText(/^This server is one node/)).toBeTruthy();
  expect(screen.queryByText("Bus")).toBeNull();
});
