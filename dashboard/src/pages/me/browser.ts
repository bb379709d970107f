const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Mac OS X/, "macOS"],
  [/Windows/, "Windows"],
  [/Linux|X11/, "Linux"],
];

const first = (table: [RegExp, string][], text: string) => table.find(([sign]) => sign.test(text))?.[1];

/** `Firefox on Linux`, as people know their browser. */
export function browserOf(userAgent: string): string {
  if (!userAgent) return "Unknown browser";
  const system = first(SYSTEMS, userAgent);
  return `${first(BROWSERS, userAgent) ?? "Another browser"}${system ? ` on ${system}` : ""}`;
}
