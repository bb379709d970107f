import { MutationCache, QueryClient } from "@tanstack/react-query";
import { asProblem } from "./problem";
import { reach } from "./reach";

/** Passing troubles are tried again for as long as the page is open; refusals never. */
const retry = (_count: number, error: unknown) => asProblem(error).isPassing;

export const queryClient = new QueryClient({
  mutationCache: new MutationCache(),
  defaultOptions: {
    queries: {
      retry,
      retryDelay: (count) => Math.min(1000 * 2 ** count, 10_000),
      staleTime: 2_000,
      // The server may be on this machine: what the browser thinks of the network says nothing.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

/** Everything on the page is asked anew as soon as the server is back. */
export function followReach() {
  return reach.subscribe(() => {
    if (reach.is()) void queryClient.invalidateQueries();
  });
}
