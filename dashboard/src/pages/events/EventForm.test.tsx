import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { rendered } from "../../parts/rendered";
import { EventForm } from "./EventForm";

const answer = (status: number, body: unknown) =>
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(JSON.stringify(body), { status }));

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

it("shows_a_refusal_at_the_field_that_the_server_names", async () => {
  answer(422, { title: "Unprocessable Entity", detail: "channel: a space is not allowed", field: "channel" });
  rendered(<EventForm appId="1" onSent={() => {}} />);
  fireEvent.click(screen.getByRole("button", { name: "Send event" }));
  await waitFor(() => expect(screen.getByLabelText("Channel").getAttribute("aria-invalid")).toBe("true"));
  expect(screen.getByText("A space is not allowed")).toBeTruthy();
});

it("tells_who_received_the_event", async () => {
  const asked = answer(200, { channels: [{ name: "my-channel", subscriptions: 3 }] });
  const onSent = vi.fn();
  rendered(<EventForm appId="1" onSent={onSent} />);
  fireEvent.click(screen.getByRole("button", { name: "Send event" }));
  await waitFor(() => expect(onSent).toHaveBeenCalledOnce());
  expect(JSON.parse(String(asked.mock.calls[0]?.[1]?.body))).toMatchObject({ channel: "my-channel", name: "my-event" });
});
