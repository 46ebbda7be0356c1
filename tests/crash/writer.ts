import { pathOf, type TestReply } from '../support/client.ts';
import type { Dice } from '../support/dice.ts';
import type { TestUser } from '../support/user.ts';
import { callServer, ServerGone } from './call-server.ts';
import type { Ledger, Sending } from './ledger.ts';
import { contentOf, UPLOAD_LENGTH_MAX } from './uploads.ts';

const WEIGHTS = {
  send: 60,
  state: 10,
  redact: 6,
  accountData: 6,
  receipt: 5,
  profile: 1,
  flip: 4,
  createRoom: 1,
  typing: 7,
  upload: 4,
};

export interface WriterPlace {
  readonly ledger: Ledger;
  readonly rooms: readonly string[];
  /** A room that writers join and leave. */
  readonly flipRoom: string;
}

/** A user who sends one request after the other as fast as the server answers. */
export class Writer {
  readonly user: TestUser;
  readonly name: string;
  readonly #place: WriterPlace;
  readonly #dice: Dice;
  #count = 0;
  #isIn = false;

  constructor(user: TestUser, name: string, place: WriterPlace, dice: Dice) {
    this.user = user;
    this.name = name;
    this.#place = place;
    this.#dice = dice;
  }

  /** Sends requests until the server disappears. */
  async run(): Promise<void> {
    try {
      for (;;) await this[this.#dice.weighted(WEIGHTS)]();
    } catch (error) {
      if (!(error instanceof ServerGone)) throw error;
    }
  }

  /** Sends a message without an answer again, with the same transaction id. */
  async retry(sending: Sending): Promise<string> {
    const path = pathOf('rooms', sending.roomId, 'send', 'm.room.message', sending.txnId);
    return text(await this.#put(path, { msgtype: 'm.text', body: sending.mark }), 'event_id');
  }

  /** Adopts the membership in the room that the writer joins and leaves. */
  resume(membership: string | undefined): void {
    this.#isIn = membership === 'join';
  }

  async send(): Promise<void> {
    const { ledger, rooms } = this.#place;
    const roomId = this.#dice.pick(rooms);
    const mark = this.#mark();
    const sending: Sending = { mark, roomId, txnId: mark };
    ledger.of(roomId, this.name).push(sending);
    ledger.doubtful.add(sending);
    sending.eventId = await this.retry(sending);
    ledger.doubtful.delete(sending);
  }

  async state(): Promise<void> {
    const { ledger, rooms } = this.#place;
    const roomId = this.#dice.pick(rooms);
    const [key, mark] = [`${this.name}-${this.#dice.below(5)}`, this.#mark()];
    const register = ledger.register(`state ${roomId} ${key}`);
    register.ask(mark);
    const reply = await this.#put(pathOf('rooms', roomId, 'state', 'test.crash', key), { mark });
    register.acknowledge(mark);
    ledger.addState(roomId, text(reply, 'event_id'));
  }

  async redact(): Promise<void> {
    const { ledger, rooms } = this.#place;
    const roomId = this.#dice.pick(rooms);
    const target = this.#dice.maybe(ledger.of(roomId, this.name))?.eventId;
    if (target === undefined || ledger.redactions.has(target)) return;
    const redaction: { roomId: string; eventId?: string } = { roomId };
    ledger.redactions.set(target, redaction);
    redaction.eventId = text(await this.#put(pathOf('rooms', roomId, 'redact', target, this.#mark()), {}), 'event_id');
  }

  async accountData(): Promise<void> {
    const isGlobal = this.#dice.chance(0.5);
    const [type, mark] = [`test.${this.name}`, this.#mark()];
    const room = isGlobal ? [] : ['rooms', this.#place.rooms[0] ?? ''];
    const register = this.#place.ledger.register(`account data ${isGlobal ? 'global' : 'room'} ${this.name}`);
    register.ask(mark);
    await this.#put(pathOf('user', this.user.userId, ...room, 'account_data', type), { mark });
    register.acknowledge(mark);
  }

  /** Sends a read receipt for the writer's latest message. Receipts never move back. */
  async receipt(): Promise<void> {
    if (!this.name.endsWith('-0')) return;
    const { ledger, rooms } = this.#place;
    const roomId = this.#dice.pick(rooms);
    const eventId = ledger.of(roomId, this.name).findLast((sending) => sending.eventId !== undefined)?.eventId;
    if (eventId === undefined) return;
    const register = ledger.register(`receipt ${roomId} ${this.user.userId}`);
    register.ask(eventId);
    await this.#call('POST', pathOf('rooms', roomId, 'receipt', 'm.read', eventId), {});
    register.acknowledge(eventId);
  }

  async profile(): Promise<void> {
    if (!this.name.endsWith('-0')) return;
    const displayname = this.#mark();
    const register = this.#place.ledger.register(`profile ${this.user.userId}`);
    register.ask(displayname);
    await this.#put(pathOf('profile', this.user.userId, 'displayname'), { displayname });
    register.acknowledge(displayname);
  }

  async flip(): Promise<void> {
    if (!this.name.endsWith('-0')) return;
    const { ledger, flipRoom } = this.#place;
    const next = this.#isIn ? 'leave' : 'join';
    const register = ledger.register(`membership ${this.user.userId}`);
    register.ask(next);
    await this.#call('POST', pathOf('rooms', flipRoom, next), {});
    register.acknowledge(next);
    this.#isIn = !this.#isIn;
  }

  async createRoom(): Promise<void> {
    const reply = await this.#call('POST', '/createRoom', { preset: 'private_chat', name: this.#mark() });
    this.#place.ledger.createdRooms.push({ roomId: text(reply, 'room_id'), creator: this.user.userId });
  }

  /** Sends a typing notification, which changes only the sync token. */
  async typing(): Promise<void> {
    const path = pathOf('rooms', this.#dice.pick(this.#place.rooms), 'typing', this.user.userId);
    await this.#put(path, { typing: this.#dice.chance(0.5), timeout: 10_000 });
  }

  async upload(): Promise<void> {
    const [mark, length] = [this.#mark(), this.#dice.below(this.#dice.chance(0.7) ? 10_000 : UPLOAD_LENGTH_MAX)];
    const reply = await callServer(this.user, 'POST', '/_matrix/media/v3/upload', { rawBody: contentOf(mark, length) });
    const address = text(reply, 'content_uri').slice('mxc://'.length);
    this.#place.ledger.uploads.push({ address, mark, length });
  }

  #mark(): string {
    this.#count += 1;
    return `${this.name}:${this.#count}`;
  }

  #put(path: string, body: Record<string, string | number | boolean>): Promise<TestReply> {
    return this.#call('PUT', path, body);
  }

  #call(method: string, path: string, body: Record<string, string | number | boolean>): Promise<TestReply> {
    return callServer(this.user, method, path, { body });
  }
}

function text(reply: TestReply, member: string): string {
  const value = reply.json[member];
  if (typeof value !== 'string') throw new Error(`a reply without ${member}: ${reply.text}`);
  return value;
}
