import {
  forbidden,
  incompatibleRoomVersion,
  type MatrixError,
  notFound,
  unknown,
  unsupportedRoomVersion,
} from '@hearth/protocol/errors.ts';
import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { ROOM_VERSIONS, type RoomVersion, roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import { NotReceived } from '../receive/receive-error.ts';

/** The kinds of member events that a server outside of a room makes with the help of one inside. */
export type Handshake = 'join' | 'leave' | 'knock';

/** A template of a member event, which a server in the room has made. */
export interface Template {
  readonly version: RoomVersion;
  readonly event: JsonObject;
}

const MAKE_TIMEOUT_MS = 20_000;
const SEND_TIMEOUT_MS = 3 * 60_000;
const SEND_BYTES_MAX = 256 * 1024 * 1024;
/** The number of servers that are tried for one request of a client. */
const SERVERS_MAX = 20;

/** Asks servers in a room to take part in a member event of a user of this server (server-server API, "Joining Rooms"). */
export class Handshakes {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #log: Pick<Log, 'info'>;
  #settled: (server: string) => Promise<void> = () => Promise.resolve();

  constructor(client: Pick<FederationClient, 'request'>, log: Pick<Log, 'info'>) {
    this.#client = client;
    this.#log = log;
  }

  /** Waits with each request until `settled` resolves: the server then has what this one has sent before. */
  waitFor(settled: (server: string) => Promise<void>): void {
    this.#settled = settled;
  }

  /**
   * Tries servers in turn until one takes part. Returns the result of that attempt.
   * @throws MatrixError that says why the last or the most telling attempt has failed
   */
  async withAny<T>(servers: readonly string[], kind: Handshake, attempt: (server: string) => Promise<T>): Promise<T> {
    const failures: MatrixError[] = [];
    for (const server of [...new Set(servers)].slice(0, SERVERS_MAX)) {
      if (parseServerName(server) === undefined) continue;
      try {
        return await attempt(server);
      } catch (error) {
        const failure = failureOf(error, server);
        if (failure === undefined) throw error;
        this.#log.info('another server did not help with a membership', {
          kind,
          server,
          reason: error instanceof Error ? error.message : failure.message,
          ...(error instanceof FederationError && { status: error.status, errcode: error.errcode }),
        });
        failures.push(failure);
      }
    }
    throw mostTelling(failures) ?? notFound('No server is known that is in the room');
  }

  /** Returns the template of a member event. @throws FederationError, MatrixError, NotReceived */
  async make(server: string, kind: Handshake, roomId: string, userId: string): Promise<Template> {
    await this.#settled(server);
    const versions = kind === 'leave' ? '' : `?${ROOM_VERSIONS.map(({ id }) => `ver=${id}`).join('&')}`;
    const path = `/_matrix/federation/v1/make_${kind}/${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}${versions}`;
    const answer = await this.#client.request(server, { method: 'GET', path, timeoutMs: MAKE_TIMEOUT_MS });
    const version = roomVersion(asString(answer.room_version) ?? '1');
    const event = asObject(answer.event);
    if (version === undefined) throw unsupportedRoomVersion('The version of the room is not supported');
    const isTemplate =
      event?.type === 'm.room.member' &&
      event.sender === userId &&
      event.state_key === userId &&
      event.room_id === roomId &&
      asObject(event.content)?.membership === kind;
    if (event === undefined || !isTemplate) throw new NotReceived(`${server} has answered another event`, true);
    return { version, event };
  }

  /** Sends the signed event to the server. Returns its answer. @throws FederationError */
  async send(server: string, kind: Handshake, roomId: string, eventId: string, pdu: JsonObject): Promise<JsonObject> {
    const name = `${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`;
    const limits = { timeoutMs: SEND_TIMEOUT_MS, answerBytesMax: SEND_BYTES_MAX };
    // The members are fetched after the join (MSC3902).
    const query = kind === 'join' ? '?omit_members=true' : '';
    const path = `/_matrix/federation/${kind === 'knock' ? 'v1' : 'v2'}/send_${kind}/${name}${query}`;
    return this.#client.request(server, { method: 'PUT', path, content: pdu, ...limits });
  }
}

/** Returns the error for clients; undefined for a fault of this program. */
function failureOf(error: unknown, server: string): MatrixError | undefined {
  if (error instanceof NotReceived) return unknown(`${server} has answered an event that is not valid`, 502);
  if (isMatrixError(error)) return error;
  if (!(error instanceof FederationError)) return undefined;
  if (error.kind !== 'refused') return unknown(`${server} does not answer`, 502);
  if (error.errcode === 'M_INCOMPATIBLE_ROOM_VERSION')
    return incompatibleRoomVersion('unknown', `This server does not support the version of the room`);
  if (error.status === 404) return notFound(`${server} does not know the room`);
  if (error.status === 403) return forbidden(`${server} does not permit this`);
  return unknown(`${server} has refused the request`, 502);
}

function isMatrixError(error: unknown): error is MatrixError {
  return error instanceof Error && 'errcode' in error && !(error instanceof FederationError);
}

const TELLING = ['M_INCOMPATIBLE_ROOM_VERSION', 'M_UNSUPPORTED_ROOM_VERSION', 'M_FORBIDDEN', 'M_UNKNOWN'];

function mostTelling(failures: readonly MatrixError[]): MatrixError | undefined {
  for (const errcode of TELLING) {
    const failure = failures.find((one) => one.errcode === errcode);
    if (failure !== undefined) return failure;
  }
  return failures.at(-1);
}

/** Returns the objects of a list in an answer. */
export function listIn(answer: JsonObject, name: string): readonly JsonValue[] {
  return asArray(answer[name]) ?? [];
}
