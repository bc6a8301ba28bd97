// A typed client of boxoffice: openapi-fetch, with the types that /openapi.json gives (schema.d.ts, made by `make clients`).
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

export type Event = components["schemas"]["Event"];
export type Ticket = components["schemas"]["Ticket"];
export type Boxoffice = Client<paths>;

/** A client of the server at `origin`, for whoever the token stands for. */
export function boxoffice(origin: string, token?: string): Boxoffice {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl: origin, headers });
}

/** A refusal, with the name that programs look at. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(`${status} ${code}: ${detail}`);
  }
}

/** What was answered, or else the refusal, thrown. */
export function answered<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data !== undefined) return answer.data;
  const problem = answer.error as { code?: string; detail?: string } | undefined;
  throw new Refused(answer.response.status, problem?.code ?? "", problem?.detail ?? "");
}
