import { useState } from "react";

/** The token of a link stands behind `#`, which browsers send to nobody; it leaves the address at once. */
export function useFragment(): string {
  const [token] = useState(() => {
    const found = decodeURIComponent(window.location.hash.slice(1));
    if (found) kept = found;
    return found || kept;
  });
  return token;
}

let kept = "";
