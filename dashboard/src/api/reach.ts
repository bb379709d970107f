/** Whether the server answers: told by every request, asked by the banner. */
type Listener = () => void;

let reachable = true;
const listeners = new Set<Listener>();

export const reach = {
  is: () => reachable,
  tell(now: boolean) {
    if (now === reachable) return;
    reachable = now;
    for (const listener of listeners) listener();
  },
  subscribe(listener: Listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
