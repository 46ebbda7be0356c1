import { pathOf } from '../support/client.ts';
import type { Dice } from '../support/dice.ts';
import type { TestUser } from '../support/user.ts';
import { callServer, ServerGone } from './call-server.ts';

const WEIGHTS = { send: 8, receive: 6, upload: 2, claim: 8 };

const KEYS_AT_ONCE = 5;
const ALGORITHM = 'curve25519';

/** A message to a device. It is acknowledged when the server has answered. */
interface Message {
  readonly to: Correspondent;
  readonly n: number;
  isAcknowledged: boolean;
}

/**
 * A device that sends messages to other devices and claims one-time keys from them. Each acknowledged message has to
 * arrive once and in order, and no key may be given out twice, whenever the server is killed.
 */
export class Correspondent {
  readonly #user: TestUser;
  readonly #dice: Dice;
  readonly #sent: Message[] = [];
  /** The numbers of the messages that have arrived, by sender. */
  readonly #received = new Map<string, number[]>();
  /** Ids of keys whose upload the server has acknowledged or not answered. */
  readonly #uploaded = new Set<string>();
  #unanswered: readonly string[] = [];
  /** Ids of keys of this device that others have claimed. */
  readonly #given = new Set<string>();
  /** The number of claims of this device's keys without an answer. Each of them may have used up a key. */
  #doubtfulClaims = 0;
  #since: string | undefined;
  #others: readonly Correspondent[] = [];
  #count = 0;

  constructor(user: TestUser, dice: Dice) {
    this.#user = user;
    this.#dice = dice;
  }

  /** Sets the devices to which this device writes. */
  meet(others: readonly Correspondent[]): void {
    this.#others = others.filter((other) => other !== this);
  }

  /** Sends and reads messages until the server disappears. */
  async run(): Promise<void> {
    try {
      for (;;) await this[this.#dice.weighted(WEIGHTS)]();
    } catch (error) {
      if (!(error instanceof ServerGone)) throw error;
    }
  }

  async send(): Promise<void> {
    this.#count += 1;
    const message = { to: this.#dice.pick(this.#others), n: this.#count, isAcknowledged: false };
    this.#sent.push(message);
    await this.#put(message);
  }

  async receive(): Promise<void> {
    const filter = { room: { timeline: { limit: 1 }, rooms: [] }, presence: { not_types: ['*'] } };
    const query = new URLSearchParams({ filter: JSON.stringify(filter), timeout: '0', set_presence: 'offline' });
    if (this.#since !== undefined) query.set('since', this.#since);
    const { json } = await callServer(this.#user, 'GET', `/sync?${query.toString()}`);
    const section = json.to_device as { events: { sender: string; content: { n: number } }[] } | undefined;
    for (const { sender, content } of section?.events ?? []) {
      const numbers = this.#received.get(sender) ?? [];
      if (content.n <= (numbers.at(-1) ?? 0))
        throw new Error(`${sender}'s message ${content.n} arrived twice or too late`);
      this.#received.set(sender, [...numbers, content.n]);
    }
    // Every answer has a token.
    this.#since = json.next_batch as string;
  }

  async upload(): Promise<void> {
    const { userId } = this.#user;
    this.#unanswered = Array.from({ length: KEYS_AT_ONCE }, (_, i) => `${userId.slice(1, 8)}-${this.#count}-${i}`);
    this.#count += 1;
    await this.#uploadUnanswered();
  }

  async claim(): Promise<void> {
    const from = this.#dice.pick(this.#others);
    const { userId, deviceId } = from.#user;
    from.#doubtfulClaims += 1;
    const body = { one_time_keys: { [userId]: { [deviceId]: ALGORITHM } } };
    const { json } = await callServer(this.#user, 'POST', '/keys/claim', { body });
    from.#doubtfulClaims -= 1;
    const users = json.one_time_keys as Record<string, Record<string, Record<string, string>>>;
    for (const id of Object.values(users[userId]?.[deviceId] ?? {})) {
      if (from.#given.has(id)) throw new Error(`the one-time key ${id} was given out twice`);
      from.#given.add(id);
    }
  }

  /** Repeats requests without an answer, after the server has restarted. */
  async repeat(): Promise<void> {
    for (const message of this.#sent) if (!message.isAcknowledged) await this.#put(message);
    await this.#uploadUnanswered();
  }

  /** Reads all messages and compares them with the acknowledged ones. @throws Error with the difference */
  async check(): Promise<void> {
    for (let before = ''; before !== this.#since; ) {
      before = this.#since ?? '';
      await this.receive();
    }
    for (const other of this.#others) {
      const sent = other.#sent.filter(({ to }) => to === this).map(({ n }) => n);
      const received = this.#received.get(other.#user.userId) ?? [];
      if (sent.join() !== received.join()) {
        throw new Error(
          `${other.#user.userId} has sent ${sent.slice(-20).join()}, arrived is ${received.slice(-20).join()}`,
        );
      }
    }
    const { json } = await callServer(this.#user, 'POST', '/keys/upload', { body: {} });
    const left = (json.one_time_key_counts as Record<string, number>)[ALGORITHM] ?? 0;
    const most = this.#uploaded.size - this.#given.size;
    if (left > most || left < most - this.#doubtfulClaims) {
      throw new Error(`${left} one-time keys are left of ${most}; ${this.#doubtfulClaims} claims had no answer`);
    }
  }

  async #put(message: Message): Promise<void> {
    const { userId, deviceId } = message.to.#user;
    const body = { messages: { [userId]: { [deviceId]: { n: message.n } } } };
    await callServer(this.#user, 'PUT', pathOf('sendToDevice', 'test.crash', `n${message.n}`), { body });
    message.isAcknowledged = true;
  }

  async #uploadUnanswered(): Promise<void> {
    if (this.#unanswered.length === 0) return;
    const keys = Object.fromEntries(this.#unanswered.map((id) => [`${ALGORITHM}:${id}`, id]));
    await callServer(this.#user, 'POST', '/keys/upload', { body: { one_time_keys: keys } });
    for (const id of this.#unanswered) this.#uploaded.add(id);
    this.#unanswered = [];
  }
}
