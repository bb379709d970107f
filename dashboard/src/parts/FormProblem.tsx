import { Alert } from "@mantine/core";
import type { Problem } from "../api/problem";

export function FormProblem({ problem }: { problem: Problem | null }) {
  if (!problem) return null;
  return (
    <Alert color="red" role="alert" py="xs">
      {problem.message}
    </Alert>
  );
}
