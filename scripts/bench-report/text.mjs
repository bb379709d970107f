// How figures are written.

export const round = (value) =>
  value == null ? "–" : value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3)

/** A table of Markdown. */
export const table = (heads, lines) =>
  [heads, heads.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
