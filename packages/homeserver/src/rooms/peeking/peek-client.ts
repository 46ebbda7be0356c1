import { asArray, asInteger, asObject, asString, asStringArray, type JsonObject } from '@hearth/protocol/json/value.ts';
import { ROOM_VERSIONS, type RoomVersion, roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { NotReceived } from '../receive/receive-error.ts';
import { objectsIn } from '../remote/event-fetcher.ts';

/** The state of a room in the answer to a peek. */
export interface PeekAnswer {
  readonly version: RoomVersion;
  /** The events of the states and of their auth chains. */
  readonly events: readonly JsonObject[];
  /** The ids of the events of the state after each forward extremity, by the id of the extremity. */
  readonly states: ReadonlyMap<string, readonly string[]>;
  /** The time in which the peek must be renewed, in milliseconds. */
  readonly renewalMs: number;
}

const TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** An event follows at most this number of forward extremities. */
const EXTREMITIES_MAX = 20;
const RENEWAL_MS = { default: 60 * 60_000, min: 60_000, max: 24 * 60 * 60_000 };

/** Sends the requests of peeks to other servers (MSC2444). */
export class PeekClient {
  readonly #client: Pick<FederationClient, 'request'>;

  constructor(client: Pick<FederationClient, 'request'>) {
    this.#client = client;
  }

  /** Begins a peek. @throws FederationError, NotReceived */
  async begin(server: string, roomId: string, peekId: string): Promise<PeekAnswer> {
    const versions = ROOM_VERSIONS.map(({ id }) => `ver=${encodeURIComponent(id)}`).join('&');
    const limits = { timeoutMs: TIMEOUT_MS, answerBytesMax: ANSWER_BYTES_MAX };
    const path = `${pathOf(roomId, peekId)}?${versions}`;
    return readAnswer(await this.#client.request(server, { method: 'PUT', path, content: {}, ...limits }));
  }

  /** Lets a peek go on. Returns the time in which it must be renewed again, in milliseconds. @throws FederationError */
  async renew(server: string, roomId: string, peekId: string): Promise<number> {
    const path = `${pathOf(roomId, peekId)}/renew`;
    return renewalIn(await this.#client.request(server, { method: 'POST', path, content: {} }));
  }

  /** Ends a peek. @throws FederationError */
  async end(server: string, roomId: string, peekId: string): Promise<void> {
    await this.#client.request(server, { method: 'DELETE', path: pathOf(roomId, peekId) });
  }
}

function pathOf(roomId: string, peekId: string): string {
  return `/_matrix/federation/unstable/org.matrix.msc2444/peek/${encodeURIComponent(roomId)}/${encodeURIComponent(peekId)}`;
}

function readAnswer(answer: JsonObject): PeekAnswer {
  const events = objectsIn(asArray(answer.events) ?? []);
  const common = asStringArray(answer.common_state_ids) ?? [];
  const latest = Object.entries(asObject(answer.latest_event_state_ids) ?? {}).slice(0, EXTREMITIES_MAX);
  if (latest.length === 0) throw new NotReceived('the answer names no latest event', true);
  const create = events.find(({ type, state_key }) => type === 'm.room.create' && state_key === '');
  const version = roomVersion(asString(asObject(create?.content)?.room_version) ?? '1');
  if (create === undefined || version === undefined)
    throw new NotReceived('the answer has no create event of a room version that this server supports', true);
  const states = new Map(latest.map(([eventId, ids]) => [eventId, [...common, ...(asStringArray(ids) ?? [])]]));
  return { version, events, states, renewalMs: renewalIn(answer) };
}

function renewalIn(answer: JsonObject): number {
  const stated = asInteger(answer.renewal_interval) ?? RENEWAL_MS.default;
  return Math.min(Math.max(stated, RENEWAL_MS.min), RENEWAL_MS.max);
}
