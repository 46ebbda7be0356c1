import type { Pdu, PduDraft } from '../../packages/protocol/src/events/event.ts';
import { eventId } from '../../packages/protocol/src/events/hash.ts';
import { asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { type RoomVersion, roomVersion } from '../../packages/protocol/src/room-versions/rules.ts';
import { signPdu } from '../../packages/protocol/src/signing/pdu.ts';
import { pathOf, type QueryValues, request, type TestReply, UnexpectedReply } from './client.ts';
import type { FederatingServer } from './federating-server.ts';
import { type Peer, signedHeaders } from './peer.ts';

/** A member event that a peer has signed. */
export interface SignedMember {
  readonly version: RoomVersion;
  readonly eventId: string;
  readonly pdu: Pdu;
}

let count = 0;

/** A peer as one server sees it: it signs requests and the events of its users. */
export class RemoteServer {
  readonly peer: Peer;
  readonly #server: FederatingServer;

  constructor(peer: Peer, server: FederatingServer) {
    this.peer = peer;
    this.#server = server;
  }

  user(localpart: string): string {
    return `@${localpart}:${this.peer.name}`;
  }

  /** Sends a signed request. The path begins after `/_matrix/federation`. */
  request(
    method: string,
    path: string,
    { query, body }: { readonly query?: QueryValues; readonly body?: JsonObject } = {},
  ): Promise<TestReply> {
    const full = `/_matrix/federation${path}`;
    const sent = {
      ...(query !== undefined && { query }),
      ...(body !== undefined && { rawBody: JSON.stringify(body) }),
    };
    const headers = signedHeaders(this.peer, this.#server.name, { method, path: full, ...sent });
    return request({ server: this.#server }, method, full, { ...sent, headers });
  }

  /** Sends a signed request that has to succeed. */
  async call(...given: Parameters<RemoteServer['request']>): Promise<JsonObject> {
    const reply = await this.request(...given);
    if (reply.status !== 200) throw new UnexpectedReply(given[0], given[1], reply);
    return reply.json;
  }

  /** Asks for the template of a member event. */
  make(kind: 'join' | 'leave' | 'knock', roomId: string, userId: string): Promise<TestReply> {
    const query = kind === 'leave' ? {} : { ver: ['1', '3', '6', '9', '10', '11', '12'] };
    return this.request('GET', `/v1${pathOf(`make_${kind}`, roomId, userId)}`, { query });
  }

  /** Signs the event of a template, with changed members. */
  async signed(kind: 'join' | 'leave' | 'knock', roomId: string, userId: string, changes: JsonObject = {}) {
    const { json } = await this.make(kind, roomId, userId);
    return this.sign(asString(json.room_version) ?? '', { ...(json.event as PduDraft), ...changes });
  }

  /** Signs an event. */
  sign(versionId: string, event: PduDraft): SignedMember {
    const version = roomVersion(versionId);
    if (version === undefined) throw new Error(`there is no room version ${versionId}`);
    count += 1;
    const draft = version.eventIdFormat === 'v1' ? { ...event, event_id: `$${count}:${this.peer.name}` } : event;
    const pdu = signPdu(draft, version, this.peer.name, this.peer.key);
    return { version, eventId: eventId(pdu, version), pdu };
  }

  /** Sends a member event. */
  send(
    kind: 'join' | 'leave' | 'knock',
    roomId: string,
    { eventId: id, pdu }: SignedMember,
    query: QueryValues = {},
  ): Promise<TestReply> {
    const version = kind === 'knock' ? 'v1' : 'v2';
    return this.request('PUT', `/${version}${pathOf(`send_${kind}`, roomId, id)}`, { query, body: pdu });
  }

  /** Joins a room. Returns the answer. */
  async join(roomId: string, userId: string, query: QueryValues = {}): Promise<JsonObject> {
    const member = await this.signed('join', roomId, userId);
    const reply = await this.send('join', roomId, member, query);
    if (reply.status !== 200) throw new UnexpectedReply('PUT', 'send_join', reply);
    return reply.json;
  }
}
