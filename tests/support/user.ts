import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { call, pathOf, type QueryValues, type RequestOptions, request, type TestReply } from './client.ts';

/** An event in the client format. */
export interface ClientEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly origin_server_ts: number;
  readonly room_id?: string;
  readonly state_key?: string;
  readonly unsigned?: JsonObject;
}

export interface TimelineSection {
  readonly events: ClientEvent[];
  readonly limited?: boolean;
  readonly prev_batch?: string;
}

export interface JoinedRoom {
  readonly timeline: TimelineSection;
  readonly state: { readonly events: ClientEvent[] };
  readonly ephemeral: { readonly events: ClientEvent[] };
  readonly account_data: { readonly events: ClientEvent[] };
  readonly unread_notifications?: { readonly notification_count: number; readonly highlight_count: number };
}

export interface SyncReply {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Record<string, JoinedRoom>;
    readonly invite?: Record<string, { readonly invite_state: { readonly events: ClientEvent[] } }>;
    readonly leave?: Record<string, JoinedRoom>;
    readonly knock?: Record<string, JsonObject>;
  };
  readonly presence?: { readonly events: ClientEvent[] };
  readonly account_data?: { readonly events: ClientEvent[] };
}

export interface Page {
  readonly start: string;
  readonly end?: string;
  readonly chunk: ClientEvent[];
  readonly state?: ClientEvent[];
}

let transactions = 0;

/** A user with a session. The methods throw when the server refuses a request; `request` returns every reply. */
export class TestUser {
  readonly server: { readonly url: string };
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;

  constructor(server: { readonly url: string }, session: { user_id: string; device_id: string; access_token: string }) {
    this.server = server;
    this.userId = session.user_id;
    this.deviceId = session.device_id;
    this.token = session.access_token;
  }

  request(method: string, path: string, options?: RequestOptions): Promise<TestReply> {
    return request(this, method, path, options);
  }

  get<T = JsonObject>(path: string, query: QueryValues = {}): Promise<T> {
    return call<T>(this, 'GET', path, { query });
  }

  put<T = JsonObject>(path: string, body: JsonValue = {}, query: QueryValues = {}): Promise<T> {
    return call<T>(this, 'PUT', path, { body, query });
  }

  post<T = JsonObject>(path: string, body: JsonValue = {}, query: QueryValues = {}): Promise<T> {
    return call<T>(this, 'POST', path, { body, query });
  }

  delete<T = JsonObject>(path: string, body: JsonValue = {}): Promise<T> {
    return call<T>(this, 'DELETE', path, { body });
  }

  /** Creates a room (public by default) and returns its id. */
  async createRoom(options: JsonObject = { preset: 'public_chat' }): Promise<string> {
    return (await this.post<{ room_id: string }>('/createRoom', options)).room_id;
  }

  async join(roomIdOrAlias: string): Promise<void> {
    await this.post(pathOf('join', roomIdOrAlias));
  }

  async leave(roomId: string): Promise<void> {
    await this.post(pathOf('rooms', roomId, 'leave'));
  }

  async invite(roomId: string, userId: string): Promise<void> {
    await this.post(pathOf('rooms', roomId, 'invite'), { user_id: userId });
  }

  /** Sends a text, or any content of `m.room.message`, and returns the event's id. */
  send(roomId: string, message: string | JsonObject): Promise<string> {
    const content = typeof message === 'string' ? { msgtype: 'm.text', body: message } : message;
    return this.sendEvent(roomId, 'm.room.message', content);
  }

  async sendEvent(roomId: string, type: string, content: JsonObject, txnId = nextTransaction()): Promise<string> {
    return (await this.put<{ event_id: string }>(pathOf('rooms', roomId, 'send', type, txnId), content)).event_id;
  }

  async setState(roomId: string, type: string, content: JsonObject, stateKey = ''): Promise<string> {
    return (await this.put<{ event_id: string }>(pathOf('rooms', roomId, 'state', type, stateKey), content)).event_id;
  }

  async redact(roomId: string, eventId: string): Promise<string> {
    const path = pathOf('rooms', roomId, 'redact', eventId, nextTransaction());
    return (await this.put<{ event_id: string }>(path)).event_id;
  }

  sync(query: QueryValues = {}): Promise<SyncReply> {
    return this.get('/sync', query);
  }

  messages(roomId: string, query: QueryValues = {}): Promise<Page> {
    return this.get(pathOf('rooms', roomId, 'messages'), { dir: 'b', ...query });
  }

  events(query: QueryValues = {}): Promise<Page> {
    return this.get('/events', query);
  }
}

/** Registers an account, or a guest, and logs it in. The password is the user name. */
export async function registerUser(
  server: { readonly url: string },
  account: { readonly username: string } | 'guest',
): Promise<TestUser> {
  const auth = { type: 'm.login.dummy' };
  const isGuest = account === 'guest';
  const session = await call<{ user_id: string; device_id: string; access_token: string }>(
    { server },
    'POST',
    '/register',
    isGuest
      ? { query: { kind: 'guest' }, body: {} }
      : { body: { auth, username: account.username, password: account.username } },
  );
  return new TestUser(server, session);
}

/** Logs a registered user in on another device. */
export async function logInAgain({ server, userId }: TestUser): Promise<TestUser> {
  const password = userId.slice(1, userId.indexOf(':'));
  const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password };
  return new TestUser(server, await call({ server }, 'POST', '/login', { body }));
}

function nextTransaction(): string {
  transactions += 1;
  return `t${transactions}`;
}
