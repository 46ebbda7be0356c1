import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu } from '../../packages/protocol/src/events/event.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

describe('the history of a room', () => {
  let server: FederatingServer;
  let second: FederatingServer;
  let remote: RemoteServer;
  let stranger: RemoteServer;
  let alice: TestUser;
  let bob: TestUser;
  let roomId: string;
  let eventIds: string[];
  beforeAll(async () => {
    [server, second] = await Promise.all([startFederatingServer('127.0.0.2'), startFederatingServer('127.0.0.3')]);
    remote = new RemoteServer(await startPeer(() => [200, {}]), server);
    stranger = new RemoteServer(await startPeer(), server);
    [alice, bob] = [await server.user('alice'), await second.user('bob')];
    ({ room_id: roomId } = await alice.post<{ room_id: string }>('/createRoom', { preset: 'public_chat' }));
    eventIds = [];
    for (let i = 0; i < 5; i += 1) eventIds.push(await say(`${i}`));
    await remote.join(roomId, remote.user('carol'));
    eventIds.push(await say('after'));
  });
  afterEach(() => expect([...server.faults, ...second.faults]).toEqual([]));
  afterAll(async () => {
    await server.close();
    await second.close();
    await remote.peer.close();
    await stranger.peer.close();
  });

  const say = async (body: string) => {
    const path = pathOf('rooms', roomId, 'send', 'm.room.message', `t${body}`);
    return (await alice.put<{ event_id: string }>(path, { msgtype: 'm.text', body })).event_id;
  };
  const last = () => eventIds.at(-1) ?? '';
  const bodiesIn = (list: unknown) => (list as Pdu[]).flatMap(({ content }) => content.body ?? []);
  const about = (path: string, room = roomId, more: string[] = []) => `/v1${pathOf(path, room, ...more)}`;

  /** Sends each kind of request about a room and an event. */
  const askAll = (as: RemoteServer, room: string, event: string) =>
    Promise.all([
      as.request('GET', about('state', room), { query: { event_id: event } }),
      as.request('GET', about('state_ids', room), { query: { event_id: event } }),
      as.request('GET', about('event_auth', room, [event])),
      as.request('GET', about('backfill', room), { query: { v: event, limit: 10 } }),
      as.request('POST', about('get_missing_events', room), { body: { latest_events: [event], earliest_events: [] } }),
      as.request('GET', about('timestamp_to_event', room), { query: { ts: 0, dir: 'f' } }),
    ]);

  test('is answered to a server in the room', async () => {
    const replies = await askAll(remote, roomId, last());
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    const [state, ids, auth, backfill, before, closest] = replies.map(({ json }) => json);
    expect([ids?.pdu_ids, state?.pdus]).toEqual([expect.arrayContaining([expect.any(String)]), expect.any(Array)]);
    expect(auth?.auth_chain).not.toHaveLength(0);
    expect(backfill?.origin).toBe(server.name);
    expect(bodiesIn(backfill?.pdus)).toEqual(['after', '4', '3', '2', '1', '0']);
    expect(bodiesIn(before?.events)).toEqual(['0', '1', '2', '3', '4']);
    expect(closest?.event_id).toMatch(/^\$/);
    const event = await remote.call('GET', about('event', last()));
    expect(bodiesIn(event.pdus)).toEqual(['after']);
  });

  test('is answered from several events at once', async () => {
    const [first = '', second_ = ''] = eventIds;
    const query = { v: [second_, first], limit: 2 };
    expect(bodiesIn((await remote.call('GET', about('backfill'), { query })).pdus)).toEqual(['1', '0']);
  });

  test('is refused to servers outside, and to everybody for events of other rooms', async () => {
    const refused = await askAll(stranger, roomId, last());
    expect(refused.map(({ status, json }) => [status, json.errcode])).toEqual(refused.map(() => [403, 'M_FORBIDDEN']));
    const other = await alice.post<{ room_id: string }>('/createRoom', { preset: 'public_chat' });
    await remote.join(other.room_id, remote.user('carol'));
    const [state, ids, auth, backfill, before, closest] = await askAll(remote, other.room_id, last());
    for (const one of [state, ids, auth]) expect([one?.status, one?.json.errcode]).toEqual([404, 'M_NOT_FOUND']);
    expect([backfill?.json.pdus, before?.json.events]).toEqual([[], []]);
    expect(eventIds).not.toContain(closest?.json.event_id);
  });

  test('is refused without the required parameters', async () => {
    const replies = await Promise.all([
      remote.request('GET', about('state')),
      remote.request('GET', about('state_ids')),
      remote.request('GET', about('backfill'), { query: { v: last() } }),
      remote.request('GET', about('backfill'), { query: { limit: 1 } }),
      remote.request('GET', about('backfill'), { query: { v: last(), limit: -1 } }),
      remote.request('POST', about('get_missing_events'), { body: { latest_events: [last()] } }),
      remote.request('POST', about('get_missing_events'), { body: { latest_events: [1], earliest_events: [] } }),
      remote.request('GET', about('timestamp_to_event'), { query: { ts: 1 } }),
      remote.request('GET', about('timestamp_to_event'), { query: { ts: 1, dir: 'x' } }),
    ]);
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 400));
  });

  test('is searched by time on the server of a user who joined later', async () => {
    await bob.post(pathOf('join', roomId), {}, { server_name: server.name });
    const path = `/_matrix/client/v1${pathOf('rooms', roomId, 'timestamp_to_event')}`;
    const [first = ''] = eventIds;
    const { origin_server_ts: ts } = await alice.get<{ origin_server_ts: number }>(
      pathOf('rooms', roomId, 'event', first),
    );
    const here = await alice.get(path, { ts, dir: 'b' });
    const there = await bob.get<{ event_id: string }>(path, { ts, dir: 'b' });
    expect(there).toEqual(here);
    const context = await bob.get(pathOf('rooms', roomId, 'context', there.event_id), { limit: 0 });
    expect(context.event).toMatchObject({ event_id: there.event_id });
  });
});
