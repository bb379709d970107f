/** Where to go after the sign-in: only to a page of the dashboard, whatever the address says. */
export function safeBack(back: string | undefined): string {
  if (!back || !back.startsWith("/") || /^\/[/\\]/.test(back)) return "/";
  return /^\/(sign-in|setup|invite)\b/.test(back) ? "/" : back;
}
