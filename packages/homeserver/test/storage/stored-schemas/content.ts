import { call, pathOf } from '../../../../../tests/support/client.ts';
import type { TestServer } from '../../../../../tests/support/server.ts';
import { SlidingLoop } from '../../../../../tests/support/sliding.ts';
import type { TestUser } from '../../../../../tests/support/user.ts';
import { CrossSigningMaker, DeviceMaker } from '../../support/key-maker.ts';

const UNSTABLE = '/_matrix/client/unstable';
const PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** The facts about the content that tests use. */
export interface Known {
  readonly roomId: string;
  readonly alice: { readonly user_id: string; readonly device_id: string; readonly access_token: string };
}

/** Uses a server so that all of its tables have rows, as far as clients can bring that about. */
export async function fill(server: TestServer): Promise<Known> {
  const [alice, bob, erin] = [await server.user('alice'), await server.user('bob'), await server.user('erin')];
  await server.admin();
  await server.guest();
  const roomId = await fillRooms(alice, bob, erin);
  await fillAccount(alice, bob, roomId);
  await fillEncryption(alice, bob);
  await fillMedia(alice);
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'erin' }, password: 'erin' };
  await erin.post('/account/deactivate', { erase: true, auth });
  return { roomId, alice: { user_id: alice.userId, device_id: alice.deviceId, access_token: alice.token } };
}

async function fillRooms(alice: TestUser, bob: TestUser, erin: TestUser): Promise<string> {
  const roomId = await alice.createRoom({
    preset: 'public_chat',
    visibility: 'public',
    room_alias_name: 'lounge',
    name: 'Lounge',
    initial_state: [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
    ],
  });
  for (const user of [bob, erin]) await user.join(roomId);
  const question = await bob.send(roomId, 'Who likes pineapple?');
  await alice.send(roomId, {
    msgtype: 'm.text',
    body: 'I do',
    'm.relates_to': { rel_type: 'm.thread', event_id: question },
  });
  const reaction = { 'm.relates_to': { rel_type: 'm.annotation', event_id: question, key: '👍' } };
  await erin.sendEvent(roomId, 'm.reaction', reaction);
  await bob.redact(roomId, await bob.send(roomId, 'Wrong room'));
  await bob.put(
    pathOf('rooms', roomId, 'send', 'm.room.message', 'sticky'),
    { msgtype: 'm.text', body: 'Now' },
    {
      'org.matrix.msc4354.sticky_duration_ms': 3_600_000,
    },
  );
  await bob.put(
    pathOf('rooms', roomId, 'send', 'm.room.message', 'later'),
    { msgtype: 'm.text', body: 'Later' },
    {
      'org.matrix.msc4140.delay': 86_400_000,
    },
  );
  await alice.put(`${UNSTABLE}/io.element.msc4306${pathOf('rooms', roomId, 'thread', question, 'subscription')}`);
  await alice.post(pathOf('rooms', roomId, 'receipt', 'm.read', question));
  await alice.post(pathOf('rooms', roomId, 'report', question), { reason: 'Pizza', score: -1 });
  const old = await alice.createRoom({ preset: 'private_chat', room_version: '1', invite: [bob.userId] });
  await alice.send(old, 'An old room');
  const other = await erin.createRoom({
    preset: 'public_chat',
    initial_state: [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
    ],
  });
  await alice.post(`${UNSTABLE}/org.matrix.msc2753${pathOf('peek', other)}`);
  return roomId;
}

async function fillAccount(alice: TestUser, bob: TestUser, roomId: string): Promise<void> {
  await alice.put(pathOf('profile', alice.userId, 'displayname'), { displayname: 'Alice' });
  await alice.put(pathOf('user', alice.userId, 'account_data', 'com.example.colour'), { name: 'red' });
  await alice.put(pathOf('user', alice.userId, 'rooms', roomId, 'tags', 'm.favourite'), { order: 0.5 });
  await alice.post(pathOf('user', alice.userId, 'filter'), { room: { timeline: { limit: 5 } } });
  await alice.put(pathOf('presence', alice.userId, 'status'), { presence: 'online', status_msg: 'Eating' });
  await alice.post(pathOf('user', alice.userId, 'openid', 'request_token'));
  await alice.post('/pushers/set', {
    app_id: 'com.example.app',
    pushkey: 'key',
    kind: 'http',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: 'https://127.0.0.1:9/_matrix/push/v1/notify' },
  });
  const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: 'alice' };
  await call({ server: alice.server }, 'POST', '/login', { body: { ...body, refresh_token: true } });
  await new SlidingLoop(alice, 'main').next({
    lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } },
  });
  await bob.send(roomId, 'Good night');
}

async function fillEncryption(alice: TestUser, bob: TestUser): Promise<void> {
  const phone = new DeviceMaker(alice.userId, alice.deviceId);
  const upload = {
    device_keys: phone.keys(),
    one_time_keys: phone.oneTime('A', 'B', 'C'),
    fallback_keys: phone.fallback('F'),
  };
  await alice.post('/keys/upload', upload);
  const one_time_keys = { [alice.userId]: { [alice.deviceId]: 'signed_curve25519' } };
  await bob.post('/keys/claim', { one_time_keys });
  const [mine, theirs] = [new CrossSigningMaker(alice.userId), new CrossSigningMaker(bob.userId)];
  await alice.post('/keys/device_signing/upload', mine.upload());
  await bob.post('/keys/device_signing/upload', theirs.upload());
  const signed = new CrossSigningMaker(bob.userId, theirs.master).masterKey();
  await alice.post('/keys/signatures/upload', {
    [bob.userId]: { [theirs.master.publicKey]: mine.userSigning.sign(signed) },
  });
  await bob.put(pathOf('sendToDevice', 'm.test', 'txn'), {
    messages: { [alice.userId]: { [alice.deviceId]: { n: 1 } } },
  });
  const spare = new DeviceMaker(bob.userId, 'SPARE');
  await bob.put(`${UNSTABLE}/org.matrix.msc3814.v1/dehydrated_device`, {
    device_id: 'SPARE',
    device_data: { algorithm: 'x', account: 'y' },
    device_keys: spare.keys({ dehydrated: true }),
  });
  const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2';
  const { version } = await alice.post<{ version: string }>('/room_keys/version', {
    algorithm,
    auth_data: { public_key: 'x' },
  });
  const session = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { ciphertext: 'z' } };
  await alice.put(pathOf('room_keys', 'keys', '!room:hearth.test', 'session'), session, { version });
}

async function fillMedia(alice: TestUser): Promise<void> {
  const body = new Uint8Array(Buffer.from(PICTURE, 'base64'));
  const path = '/_matrix/media/v3/upload';
  await alice.request('POST', path, { body, query: { filename: 'dot.png' }, headers: { 'Content-Type': 'image/png' } });
  await alice.post('/_matrix/media/v1/create');
}
