import { managementUrl } from "./base";
import { Problem, problemOf } from "./problem";
import { reach } from "./reach";

export type Params = Record<string, string | number | undefined | null>;
type Method = "GET" | "POST" | "PATCH" | "DELETE";

let csrfToken = "";
let signedOut: () => void = () => {};

/** Every request that changes something carries it; it comes with the session. */
export function keepCsrfToken(token: string) {
  csrfToken = token;
}

export function onSignedOut(listener: () => void) {
  signedOut = listener;
}

/** The address of a route below `management/v1/`; parts are encoded, empty parameters left out. */
export function address(parts: readonly string[], params: Params = {}): URL {
  const url = new URL(parts.map(encodeURIComponent).join("/"), managementUrl);
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
  }
  return url;
}

async function answer(url: URL, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, { credentials: "same-origin", cache: "no-store", ...init });
    reach.tell(![502, 503, 504].includes(response.status));
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    reach.tell(false);
    throw Problem.unreachable();
  }
}

async function ask<T>(method: Method, url: URL, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const response = await answer(url, { method, headers, body: sent, signal });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const problem = await problemOf(response);
  // A wrong password is a 401 too, but nobody was signed in.
  if (problem.status === 401 && !isSignIn(method, url)) signedOut();
  throw problem;
}

const isSignIn = (method: Method, url: URL) => url.pathname.endsWith("/session") && method !== "DELETE";

export const api = {
  read: <T>(parts: readonly string[], params?: Params, signal?: AbortSignal) =>
    ask<T>("GET", address(parts, params), undefined, signal),
  post: <T>(parts: readonly string[], body?: unknown) => ask<T>("POST", address(parts), body),
  patch: <T>(parts: readonly string[], body: unknown) => ask<T>("PATCH", address(parts), body),
  remove: (parts: readonly string[]) => ask<void>("DELETE", address(parts)),
};
