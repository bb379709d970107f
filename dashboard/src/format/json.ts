export type JsonCheck =
  | { kind: "json"; pretty: string }
  | { kind: "text" }
  | { kind: "broken"; line: number; column: number; message: string };

/**
 * Events may carry any text; most mean JSON. What begins like JSON and is not is most likely a slip;
 * anything else is text on purpose.
 */
export function checkJson(text: string): JsonCheck {
  try {
    return { kind: "json", pretty: JSON.stringify(JSON.parse(text), null, 2) };
  } catch (error) {
    if (!/^\s*[[{"]/.test(text)) return { kind: "text" };
    const said = error instanceof Error ? error.message : "";
    return { kind: "broken", ...whereIn(text, said), message: plainly(said) };
  }
}

/** Pretty if it is JSON, else as it is. */
export function pretty(text: string): string {
  const check = checkJson(text);
  return check.kind === "json" ? check.pretty : text;
}

function whereIn(text: string, said: string): { line: number; column: number } {
  const position = Number(/at position (\d+)/.exec(said)?.[1] ?? text.length);
  const before = text.slice(0, position).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Without the excerpt and the position that browsers put in. */
function plainly(said: string): string {
  const short = said.replace(/,? ?\.{0,3}".*$/s, "").replace(/ in JSON.*$/s, "").trim();
  return short || "This is not JSON";
}
