const LEFT_OUT = /^(host|content-length|connection|accept-encoding)$/i;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The request of an attempt as a command for a shell. Values that the server masks stay `***`, so
 * that nobody sends them by accident as if they were real.
 */
export function curl(url: string, requestHead: string, body: string): string {
  const [, ...lines] = requestHead.split(/\r?\n/);
  const headers = lines
    .map((line) => line.trim())
    .filter((line) => line.includes(":") && !LEFT_OUT.test(line.slice(0, line.indexOf(":"))));
  return [
    `curl -X POST ${quoted(url)}`,
    ...headers.map((line) => `-H ${quoted(line)}`),
    `--data-raw ${quoted(body)}`,
  ].join(" \\\n  ");
}
