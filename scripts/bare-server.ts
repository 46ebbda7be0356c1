import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/**
 * A minimal server that shows the lowest possible cost of the loads of docs/performance.md on Node. It has one room,
 * checks nothing, answers from memory, and stores each event durably, in groups, on a separate thread. It is not a
 * homeserver. It takes the port and the data folder in the same way as `tests/launcher`.
 */

interface Row {
  readonly num: number;
  readonly json: string;
}

interface Waiting extends Row {
  readonly stored: () => void;
}

interface Poll {
  readonly socket: Socket;
  readonly from: number;
  readonly legacy: boolean;
}

interface Request {
  readonly socket: Socket;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

const ROOM = '!room';
const SHARED_HEADERS = 'Content-Type: application/json\r\nAccess-Control-Allow-Origin: *';

function storeInGroups(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE event (num INTEGER PRIMARY KEY, json TEXT)',
  );
  const [begin, commit] = [database.prepare('BEGIN'), database.prepare('COMMIT')];
  const insert = database.prepare('INSERT INTO event VALUES (?, ?)');
  parentPort?.on('message', (rows: readonly Row[]) => {
    begin.run();
    for (const { num, json } of rows) insert.run(num, json);
    commit.run();
    parentPort?.postMessage(null);
  });
}

class Room {
  readonly state = new Map<string, string>();
  readonly members = new Map<string, string>();
  readonly #writer: Worker;
  readonly #timeline: string[] = [];
  #next: Waiting[] = [];
  #underWay: Waiting[] = [];
  #polls: Poll[] = [];

  constructor(file: string) {
    this.#writer = new Worker(new URL(import.meta.url), { workerData: file });
    this.#writer.on('message', () => this.#announce());
  }

  get end(): number {
    return this.#timeline.length;
  }

  /** Appends an event. The reply waits until the event is stored. */
  append(type: string, stateKey: string | undefined, body: string, reply: (eventId: string) => void): void {
    const eventId = `$${createHash('sha256').update(body).digest('base64url')}`;
    const place = stateKey === undefined ? {} : { state_key: stateKey };
    const event = { type, sender: '@user', content: JSON.parse(body) as unknown, event_id: eventId, room_id: ROOM };
    const json = JSON.stringify({ ...event, origin_server_ts: Date.now(), ...place });
    if (stateKey !== undefined) (type === 'm.room.member' ? this.members : this.state).set(stateKey, json);
    const num = this.end + this.#underWay.length + this.#next.length;
    this.#next.push({ num, json, stored: () => reply(eventId) });
    this.#store();
  }

  /** Answers at once if there are events, otherwise as soon as there is one. */
  poll(poll: Poll, mayWait: boolean): void {
    if (this.end > poll.from || !mayWait) this.#answer(poll);
    else this.#polls.push(poll);
  }

  #store(): void {
    if (this.#underWay.length > 0 || this.#next.length === 0) return;
    this.#underWay = this.#next;
    this.#next = [];
    this.#writer.postMessage(this.#underWay.map(({ num, json }) => ({ num, json })));
  }

  #announce(): void {
    const stored = this.#underWay;
    this.#underWay = [];
    for (const { json } of stored) this.#timeline.push(json);
    for (const event of stored) event.stored();
    const polls = this.#polls;
    this.#polls = [];
    for (const poll of polls) this.#answer(poll);
    this.#store();
  }

  #answer({ socket, from, legacy }: Poll): void {
    const events = this.#timeline.slice(from).join(',');
    const timeline = `{"events":[${events}],"limited":false,"prev_batch":"${from}"}`;
    if (legacy) send(socket, `{"start":"${from}","end":"${this.end}","chunk":[${events}]}`);
    else send(socket, `{"next_batch":"${this.end}","rooms":{"join":{"${ROOM}":{"timeline":${timeline}}}}}`);
  }
}

function send(socket: Socket, text: string): void {
  socket.write(`HTTP/1.1 200 OK\r\n${SHARED_HEADERS}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

let users = 0;

function answer(room: Room, { socket, method, path, body }: Request): void {
  const [address = '', search] = path.slice('/_matrix/client/v3/'.length).split('?');
  const parts = address.split('/');
  const sent = (eventId: string) => send(socket, `{"event_id":"${eventId}"}`);
  if (parts[0] === 'register') {
    users += 1;
    send(socket, `{"user_id":"@user${users}","access_token":"token${users}","device_id":"D"}`);
  } else if (parts[0] === 'join') {
    room.append('m.room.member', `@user${room.members.size}`, '{"membership":"join"}', () => send(socket, '{}'));
  } else if (parts[0] === 'events' || parts[0] === 'sync') {
    const query = new URLSearchParams(search);
    const from = Number(query.get('from') ?? query.get('since') ?? room.end);
    room.poll({ socket, from, legacy: parts[0] === 'events' }, query.get('timeout') !== '0');
  } else if (method === 'PUT' && parts[2] === 'send') {
    room.append(parts[3] ?? '', undefined, body, sent);
  } else if (method === 'PUT' && parts[2] === 'state') {
    room.append(parts[3] ?? '', parts[4] ?? '', body, sent);
  } else if (parts[2] === 'state') {
    send(socket, `[${[...room.state.values()].join(',')}]`);
  } else if (parts[2] === 'members') {
    send(socket, `{"chunk":[${[...room.members.values()].join(',')}]}`);
  } else {
    send(socket, `{"room_id":"${ROOM}"}`);
  }
}

function listen(port: number, room: Room): void {
  const server = createServer({ noDelay: true }, (socket) => {
    let text = '';
    socket.setEncoding('latin1').on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const [method = '', path = ''] = text.slice(0, text.indexOf('\r\n')).split(' ');
      const body = text.slice(end + 4);
      text = '';
      answer(room, { socket, method, path, body });
    });
  });
  server.listen(port, '127.0.0.1');
}

if (isMainThread) {
  const { HS_CLIENT_PORT, HS_DATA_DIR = '.' } = process.env;
  mkdirSync(HS_DATA_DIR, { recursive: true });
  const room = new Room(join(HS_DATA_DIR, 'bare.db'));
  room.append('m.room.member', '@user', '{"membership":"join"}', () => listen(Number(HS_CLIENT_PORT), room));
} else {
  storeInGroups(workerData as string);
}
