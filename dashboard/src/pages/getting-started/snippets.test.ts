import { expect, it } from "vitest";
import { place } from "../../api/base";
import { type Filling, snippets } from "./snippets";

const FILLING: Filling = {
  appId: "1001",
  key: "app-key",
  secret: "app-secret",
  cluster: "self",
  place: { host: "ws.example.com", port: 6001, tls: false, path: "" },
};

const codeOf = (filling: Filling, id: string) =>
  snippets(filling)
    .find((snippet) => snippet.id === id)
    ?.steps.map(({ code }) => code)
    .join("\n") ?? "";

it("fills_the_values_into_every_snippet", () => {
  for (const { id } of snippets(FILLING)) {
    const code = codeOf(FILLING, id);
    expect(code, id).toContain("app-key");
    expect(code, id).toContain("ws.example.com");
    expect(code, id).toContain("6001");
  }
});

it("never_puts_the_secret_into_what_runs_in_a_browser", () => {
  expect(codeOf(FILLING, "browser")).not.toContain("app-secret");
  const echo = snippets(FILLING).find(({ id }) => id === "laravel")?.steps[1]?.code;
  expect(echo).not.toContain("app-secret");
});

it("follows_tls", () => {
  const secure = { ...FILLING, place: { ...FILLING.place, tls: true } };
  expect(codeOf(FILLING, "python")).toContain("ssl=False");
  expect(codeOf(secure, "python")).toContain("ssl=True");
  expect(codeOf(secure, "laravel")).toContain("PUSHER_SCHEME=https");
  expect(codeOf(secure, "ruby")).toContain('scheme: "https"');
});

it("names_the_prefix_where_there_is_one", () => {
  const prefixed = { ...FILLING, place: { ...FILLING.place, path: "/bell" } };
  expect(codeOf(prefixed, "browser")).toContain('wsPath: "/bell"');
  expect(codeOf(prefixed, "laravel")).toContain('wsPath: "/bell"');
  expect(codeOf(FILLING, "browser")).not.toContain("wsPath");
});

it("takes_host_port_and_prefix_from_the_page's_address", () => {
  expect(place(new URL("https://ws.example.com/bell/dashboard/"))).toEqual({ host: "ws.example.com", port: 443, tls: true, path: "/bell" });
  expect(place(new URL("http://127.0.0.1:6001/dashboard/"))).toEqual({ host: "127.0.0.1", port: 6001, tls: false, path: "" });
});
