import { afterEach, expect, it, vi } from "vitest";
import { address, api, keepCsrfToken, onSignedOut } from "./client";
import { Problem } from "./problem";
import { reach } from "./reach";

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(JSON.stringify(body), { status, headers }));

afterEach(() => {
  vi.restoreAllMocks();
  reach.tell(true);
});

it("encodes_names_and_leaves_empty_parameters_out", () => {
  const url = address(["apps", "1", "channels", "presence-a/b?c#d"], { q: "", kind: undefined, limit: 5 });
  expect(url.pathname.endsWith("/management/v1/apps/1/channels/presence-a%2Fb%3Fc%23d")).toBe(true);
  expect(url.search).toBe("?limit=5");
});

it("proves_itself_only_where_something_changes", async () => {
  keepCsrfToken("token");
  const asked = answer(200, {});
  await api.read(["apps"]);
  await api.post(["apps"], {});
  const headers = asked.mock.calls.map(([, init]) => init?.headers as Record<string, string>);
  expect(headers.map((sent) => sent["X-CSRF-Token"])).toEqual([undefined, "token"]);
});

it("hands_a_refusal_over_with_its_field", async () => {
  answer(422, { title: "Unprocessable Entity", detail: "url: no", field: "url" });
  await expect(api.post(["x"], {})).rejects.toMatchObject({ status: 422, field: "url", message: "url: no" });
});

it("says_something_when_an_answer_is_no_problem_json", async () => {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("<html>", { status: 502 }));
  await expect(api.read(["x"])).rejects.toMatchObject({ status: 502, message: "The server answered 502." });
  expect(reach.is()).toBe(false);
});

it("leads_to_the_sign_in_when_the_session_is_gone_but_not_for_a_wrong_password", async () => {
  const left = vi.fn();
  onSignedOut(left);
  answer(401, { detail: "no" });
  await api.post(["session"], {}).catch(() => {});
  expect(left).not.toHaveBeenCalled();
  await api.read(["apps"]).catch(() => {});
  expect(left).toHaveBeenCalledOnce();
});

it("tells_that_the_server_is_out_of_reach", async () => {
  vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("failed"));
  await expect(api.read(["x"])).rejects.toBeInstanceOf(Problem);
  expect(reach.is()).toBe(false);
});
