import { expect, it } from "vitest";
import { curl } from "./curl";

const HEAD = "POST /hook HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nX-Api-Key: ***\r\nContent-Length: 9";

it("sends_the_headers_that_the_server_sent_but_those_that_curl_makes", () => {
  const command = curl("https://example.com/hook", HEAD, "{}");
  expect(command).toBe(
    "curl -X POST 'https://example.com/hook' \\\n  -H 'Content-Type: application/json' \\\n  -H 'X-Api-Key: ***' \\\n  --data-raw '{}'",
  );
});

it("lets_no_quote_out_of_its_argument", () => {
  const command = curl("https://example.com/'; rm -rf ~; '", "POST / HTTP/1.1", `{"a":"it's $(id)"}`);
  expect(command).toContain(`'https://example.com/'\\''; rm -rf ~; '\\'''`);
  expect(command).toContain(`--data-raw '{"a":"it'\\''s $(id)"}'`);
});

it("does_without_a_head_that_is_not_known_yet", () => {
  expect(curl("http://a/", "", "x")).toBe("curl -X POST 'http://a/' \\\n  --data-raw 'x'");
});
