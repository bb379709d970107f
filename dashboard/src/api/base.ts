/** Where things are, seen from the page: the server may stand behind a prefix, which it writes into `<base>`. */

const page = new URL(".", document.baseURI);

export const dashboardPath = page.pathname.replace(/\/$/, "") || "/";
export const managementUrl = new URL("../management/v1/", page);

/** What an SDK must be told to reach this server. */
export interface Place {
  host: string;
  port: number;
  tls: boolean;
  /** Empty, or `/prefix`. */
  path: string;
}

export function place(url: URL = page): Place {
  const tls = url.protocol === "https:";
  return {
    host: url.hostname,
    port: Number(url.port) || (tls ? 443 : 80),
    tls,
    path: url.pathname.replace(/\/dashboard\/.*$/, "").replace(/\/$/, ""),
  };
}
