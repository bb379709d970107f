/** `app.created` as `App created`, `key.secret_revealed` as `Key secret revealed`. */
export function actionWords(action: string): string {
  const words = action.replaceAll(/[._-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What actions are about; the server takes the word before the dot for all of them. */
export const NOUNS = ["account", "app", "connection", "invitation", "key", "member", "replay", "token", "user", "webhook"];

const isNothing = (value: unknown): boolean => value === null || value === undefined || value === "";

function said(value: unknown): string {
  if (isNothing(value)) return "nothing";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(said).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `client events: off → on`; of what was not there before only what it is now. */
export function changeWords({ field, from, to }: { field: string; from: unknown; to: unknown }): string {
  const name = field.replace(/^settings\./, "").replaceAll("_", " ");
  return isNothing(from) ? `${name}: ${said(to)}` : `${name}: ${said(from)} → ${said(to)}`;
}
