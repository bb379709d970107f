/** What the keyboard and the header open: the search over everything and the list of shortcuts. */
type Listener = () => void;

function opener() {
  const listeners = new Set<Listener>();
  return {
    open: () => {
      for (const listener of listeners) listener();
    },
    subscribe: (listener: Listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const search = opener();
const shortcuts = opener();

export const openSearch = search.open;
export const onSearch = search.subscribe;
export const openShortcuts = shortcuts.open;
export const onShortcuts = shortcuts.subscribe;
