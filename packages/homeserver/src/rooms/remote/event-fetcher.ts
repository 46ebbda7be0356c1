import { asArray, asString, isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';

/** The state before an event as another server answers it. */
export interface FetchedState {
  readonly stateIds: readonly string[];
  readonly authIds: readonly string[];
}

const STATE_BYTES_MAX = 128 * 1024 * 1024;
const STATE_TIMEOUT_MS = 3 * 60_000;
/** The maximum number of events that `GET /get_missing_events` is asked for at once. */
export const MISSING_MAX = 20;

/** Fetches events from other servers. All methods throw FederationErrors. */
export class EventFetcher {
  readonly #client: Pick<FederationClient, 'request'>;

  constructor(client: Pick<FederationClient, 'request'>) {
    this.#client = client;
  }

  /** Returns an event; undefined if the answer has none. */
  async event(server: string, eventId: string): Promise<JsonValue | undefined> {
    return asArray((await this.#get(server, `event/${encodeURIComponent(eventId)}`)).pdus)?.[0];
  }

  /** Returns the auth chain of an event. */
  async authChain(server: string, roomId: string, eventId: string): Promise<readonly JsonValue[]> {
    const path = `event_auth/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`;
    return asArray((await this.#get(server, path, LONG)).auth_chain) ?? [];
  }

  /** Returns the ids of the state before an event and of its auth chain. */
  async stateIds(server: string, roomId: string, eventId: string): Promise<FetchedState> {
    const answer = await this.#get(
      server,
      `state_ids/${encodeURIComponent(roomId)}?${query({ event_id: eventId })}`,
      LONG,
    );
    return { stateIds: strings(answer.pdu_ids), authIds: strings(answer.auth_chain_ids) };
  }

  /** Returns the state before an event and its auth chain. */
  async state(
    server: string,
    roomId: string,
    eventId: string,
  ): Promise<{ readonly state: readonly JsonValue[]; readonly authChain: readonly JsonValue[] }> {
    const answer = await this.#get(server, `state/${encodeURIComponent(roomId)}?${query({ event_id: eventId })}`, LONG);
    return { state: asArray(answer.pdus) ?? [], authChain: asArray(answer.auth_chain) ?? [] };
  }

  /** Returns events between known ones and later ones, oldest first. */
  async missingEvents(
    server: string,
    roomId: string,
    between: { readonly earliest: readonly string[]; readonly latest: readonly string[]; readonly minDepth: number },
  ): Promise<readonly JsonValue[]> {
    const content: JsonObject = {
      earliest_events: [...between.earliest],
      latest_events: [...between.latest],
      limit: MISSING_MAX,
      min_depth: between.minDepth,
    };
    const path = `/_matrix/federation/v1/get_missing_events/${encodeURIComponent(roomId)}`;
    const answer = await this.#client.request(server, { method: 'POST', path, content });
    return (asArray(answer.events) ?? []).slice(0, MISSING_MAX);
  }

  /** Returns events before some events, which the answer includes. */
  async backfill(
    server: string,
    roomId: string,
    from: readonly string[],
    limit: number,
  ): Promise<readonly JsonValue[]> {
    const v = from.map((eventId) => `v=${encodeURIComponent(eventId)}`).join('&');
    const answer = await this.#get(server, `backfill/${encodeURIComponent(roomId)}?${v}&limit=${limit}`);
    return (asArray(answer.pdus) ?? []).slice(0, limit);
  }

  #get(server: string, path: string, limits: object = {}): Promise<JsonObject> {
    return this.#client.request(server, { method: 'GET', path: `/_matrix/federation/v1/${path}`, ...limits });
  }
}

const LONG = { timeoutMs: STATE_TIMEOUT_MS, answerBytesMax: STATE_BYTES_MAX };

function query(parameters: Record<string, string>): string {
  return new URLSearchParams(parameters).toString();
}

function strings(value: JsonValue | undefined): string[] {
  return (asArray(value) ?? []).map((item) => asString(item)).filter((item) => item !== undefined);
}

/** Returns the objects among values. */
export function objectsIn(values: readonly JsonValue[]): JsonObject[] {
  return values.filter((value) => isObject(value));
}
