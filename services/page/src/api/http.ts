/** Talking to the gateway: JSON in, JSON out, refusals as `Problem`. */

export interface FieldError {
  /** The field's name, or a path to it: `parameters.format`. */
  field: string;
  detail: string;
}

/** The gateway refused, or could not be reached (`status` 0). The message is for people. */
export class Problem extends Error {
  readonly status: number;
  readonly errors: FieldError[];

  constructor(status: number, message: string, errors: FieldError[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** What went wrong, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

let onLoggedOut: () => void = () => undefined;
let onDate: (header: string | null) => void = () => undefined;

/** Says what to do when the gateway no longer knows our session. */
export function whenLoggedOut(react: () => void): void {
  onLoggedOut = react;
}

/** Says who wants to know each answer's `Date`. */
export function whenDated(react: (header: string | null) => void): void {
  onDate = react;
}

interface ProblemBody {
  detail?: string;
  title?: string;
  errors?: { field?: string; pointer?: string; detail?: string }[];
}

/** `/parameters/format` and `#/parameters/format` as `parameters.format`. */
function fieldName(error: { field?: string; pointer?: string }): string {
  const name = error.field ?? error.pointer ?? "";
  return name.replace(/^#?\/?/, "").replaceAll("/", ".");
}

async function problemOf(response: Response): Promise<Problem> {
  let body: ProblemBody = {};
  try {
    body = (await response.json()) as ProblemBody;
  } catch {
    // Not from the gateway itself (a proxy's page, for instance): the status must do.
  }
  const message = body.detail ?? body.title ?? `The server answered ${response.status}. Please try again.`;
  const errors = (body.errors ?? []).map((error) => ({ field: fieldName(error), detail: error.detail ?? "Not accepted." }));
  return new Problem(response.status, message, errors);
}

/** The answer, unless it is a refusal: then it is thrown. */
export async function accepted(path: string, response: Response): Promise<Response> {
  onDate(response.headers.get("date"));
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401 && path !== "/api/v1/session") onLoggedOut();
  throw problem;
}

export const UNREACHABLE = "The server cannot be reached. Check your connection and try again.";

export async function send(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, UNREACHABLE);
  }
  return accepted(path, response);
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { ...(signal && { signal }), headers: { accept: "application/json" } });
  return (await response.json()) as T;
}

export async function postJson<T>(path: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<T> {
  const response = await send(path, {
    ...(signal && { signal }),
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as T;
}
