import { expect, it } from "vitest";
import type { AppSettings } from "../../api/apps";
import { changeOf, valuesOf } from "./settingsForm";

const APP = {
  name: "Chat",
  cluster: "self",
  settings: { client_events: false, allowed_origins: ["https://a.example"], max_connections: 0 } as unknown as AppSettings,
};

it("sends_nothing_when_nothing_was_changed", () => {
  expect(changeOf(APP, valuesOf(APP))).toEqual({});
});

it("sends_only_what_was_changed", () => {
  const values = valuesOf(APP);
  values.settings.client_events = true;
  expect(changeOf(APP, values)).toEqual({ settings: { client_events: true } });
});

it("reads_origins_line_by_line", () => {
  const values = valuesOf(APP);
  values.settings.allowed_origins = " https://a.example \n\nhttps://b.example\n";
  expect(changeOf(APP, values)).toEqual({ settings: { allowed_origins: ["https://a.example", "https://b.example"] } });
});
