/** A refusal of the server (`application/problem+json`), or that it did not answer at all. */
export class Problem extends Error {
  constructor(
    /** 0: no answer came. */
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** The field of the form or the query that is meant. */
    readonly field: string | null = null,
    readonly retryAfterS: number | null = null,
  ) {
    super(detail || title);
    this.name = "Problem";
  }

  static unreachable(): Problem {
    return new Problem(0, "No answer", "The server cannot be reached. It is tried again by itself.");
  }

  /** Whether the same question may be answered a moment later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get("retry-after")) || null;
  const body = await jsonOf(response);
  const detail = text(body.detail) ?? `The server answered ${response.status}.`;
  return new Problem(response.status, text(body.title) ?? response.statusText, detail, text(body.field), retryAfter);
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem(-1, "Something broke in this page", detail);
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const text = (value: unknown): string | null => (typeof value === "string" && value ? value : null);
