import type { UseFormReturnType } from "@mantine/form";
import { useState } from "react";
import type { Problem } from "../api/problem";
import { showAtField } from "./formProblem";

/** Sends a form; a refusal is shown at its field, or as `problem` where it means none. */
export function useSubmit<V, R>(
  form: UseFormReturnType<V>,
  fields: readonly string[],
  send: (values: V) => Promise<R>,
  done?: (result: R) => void,
) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const onSubmit = form.onSubmit(async (values) => {
    setBusy(true);
    setProblem(null);
    try {
      const result = await send(values);
      done?.(result);
    } catch (error) {
      setProblem(showAtField(form, error, fields));
    } finally {
      setBusy(false);
    }
  });
  return { onSubmit, problem, busy };
}
