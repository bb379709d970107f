import { useHotkeys } from "@mantine/hooks";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { onSearch } from "./opened";

const SearchBox = lazy(() => import("./SearchBox"));

/** Ctrl or ⌘ and K; the code comes when it is first wanted. */
export function SearchEverywhere() {
  const [asked, setAsked] = useState(0);
  const ask = useCallback(() => setAsked((times) => times + 1), []);
  useEffect(() => onSearch(ask), [ask]);
  useHotkeys([["mod+K", ask]], []);
  if (asked === 0) return null;
  return (
    <Suspense fallback={null}>
      <SearchBox asked={asked} />
    </Suspense>
  );
}
