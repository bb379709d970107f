import { expect, it } from "vitest";
import type { Webhook } from "../../api/webhooks";
import { stateOf } from "./HealthStatus";
import { change, creation, valuesOf } from "./webhookForm";

const WEBHOOK: Webhook = {
  id: "ep_1",
  app_id: "1001",
  url: "https://example.com/hook",
  events: ["channel_occupied"],
  channel_prefix: "presence-",
  channel_suffix: null,
  headers: { "X-Api-Key": "***", "X-Env": "***" },
  retry_hours: null,
  max_in_flight: 16,
  max_per_second: null,
  description: "",
  origin: "stored",
  enabled: true,
  disabled: null,
  failing_since: null,
  created_at: "2026-11-21T09:30:00.000Z",
};

it("leaves_to_the_server_what_is_empty", () => {
  const made = creation({ ...valuesOf(), url: "https://example.com" });
  expect(made).not.toHaveProperty("max_in_flight");
  expect(made).toMatchObject({ url: "https://example.com", channel_prefix: null, retry_hours: null, headers: {} });
});

it("names_headers_that_are_gone_and_keeps_masked_values", () => {
  const values = { ...valuesOf(WEBHOOK), headers: [{ name: "X-Api-Key", value: "***" }] };
  expect(change(WEBHOOK, values).headers).toEqual({ "X-Api-Key": "***", "X-Env": null });
});

it("gives_back_the_default_of_a_number_that_was_emptied", () => {
  expect(change(WEBHOOK, { ...valuesOf(WEBHOOK), max_in_flight: "" }).max_in_flight).toBeNull();
});

it("drops_header_lines_without_a_name", () => {
  expect(creation({ ...valuesOf(), headers: [{ name: "", value: "x" }] }).headers).toEqual({});
});

it("calls_an_endpoint_disabled_whatever_its_figures_say", () => {
  expect(stateOf({ ...WEBHOOK, enabled: false }, undefined)).toBe("disabled");
  expect(stateOf({ ...WEBHOOK, failing_since: WEBHOOK.created_at }, undefined)).toBe("failing");
  expect(stateOf(WEBHOOK, undefined)).toBe("idle");
});
