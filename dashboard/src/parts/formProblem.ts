import type { UseFormReturnType } from "@mantine/form";
import { asProblem, type Problem } from "../api/problem";

/**
 * The field of a form that a refusal means. The server may name a part of it (`headers.Host`) or
 * stand above it (`name` of `settings.name`): the closest field of the form is taken.
 */
export function fieldOf(named: string | null, fields: readonly string[]): string | null {
  if (!named) return null;
  if (fields.includes(named)) return named;
  const above = fields.find((field) => named.startsWith(`${field}.`) || named.startsWith(`${field}[`));
  return above ?? fields.find((field) => field.endsWith(`.${named}`) || named.endsWith(`.${field}`)) ?? null;
}

/** `retry_hours: 80 is not 1 to 72` says, below that field, `80 is not 1 to 72`. */
export function messageFor(problem: Problem): string {
  const prefix = `${problem.field}: `;
  const said = problem.message.startsWith(prefix) ? problem.message.slice(prefix.length) : problem.message;
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** Shows a refusal at the field that it means; what means no field is handed back. */
export function showAtField<V>(form: UseFormReturnType<V>, error: unknown, fields: readonly string[]): Problem | null {
  const problem = asProblem(error);
  const field = fieldOf(problem.field, fields);
  if (field === null) return problem;
  form.setFieldError(field, messageFor(problem));
  const input = form.getInputNode(field);
  input?.focus();
  return null;
}
