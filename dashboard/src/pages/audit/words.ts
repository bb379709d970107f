/** `app.created` as `App created`, `key.secret_revealed` as `Key secret revealed`. */
export function actionWords(action: string): string {
  const words = action.replaceAll(/[._-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const said = (value: unknown): string => {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "string" ? value || "nothing" : JSON.stringify(value);
};

/** `settings.client_events` from off to on. */
export const changeWords = ({ field, from, to }: { field: string; from: unknown; to: unknown }): string =>
  `${field.replace(/^settings\./, "").replaceAll("_", " ")}: ${said(from)} → ${said(to)}`;
