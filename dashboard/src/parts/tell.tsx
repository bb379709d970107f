import { notifications } from "@mantine/notifications";
import { asProblem } from "../api/problem";
import { IconAlertCircle, IconCheck } from "./icons";

export const tell = {
  done: (message: string) =>
    notifications.show({ message, color: "teal", icon: <IconCheck size={18} aria-hidden />, autoClose: 4000 }),
  trouble: (error: unknown) =>
    notifications.show({
      message: asProblem(error).message,
      color: "red",
      icon: <IconAlertCircle size={18} aria-hidden />,
      autoClose: 9000,
    }),
};

/** For `mutate(what, outcome("…"))` of acts that have no form to show a refusal in. */
export const outcome = (message: string) => ({
  onSuccess: () => {
    tell.done(message);
  },
  onError: (error: unknown) => {
    tell.trouble(error);
  },
});
