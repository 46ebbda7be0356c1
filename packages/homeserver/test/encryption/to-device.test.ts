import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DAY_MS } from '../../src/platform/clock.ts';
import { insertToDeviceMessages } from '../../src/storage/encryption/to-device.ts';
import { sql } from '../../src/storage/engine/database.ts';
import { rowNumber } from '../../src/storage/engine/row-numbers.ts';
import { ToDeviceInbox } from '../../src/to-device/inbox.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';
import { type LoggedIn, logIn } from './people.ts';

describe.each(engines)('messages to devices, on $name', (engine) => {
  let world: World;
  let txn = 0;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  const open = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    return { alice, bob, phone: await logIn(world, alice, 'PHONE'), laptop: await logIn(world, alice, 'LAPTOP') };
  };
  const send = (from: { userId: string; device: number }, to: LoggedIn, deviceId: string, n: number, id?: string) => {
    txn += 1;
    const messages = { [to.userId]: { [deviceId]: { n } } };
    return world.toDevice.send(from, id ?? `txn${txn}`, { type: 'm.test', messages });
  };
  /** The numbers in the messages that a device gets. */
  const got = async (to: LoggedIn, after: number | undefined, inbox = world.inbox) => {
    const { texts, through } = await inbox.receive(to.device, after, world.stream.current);
    const numbers = texts.map((text) => (JSON.parse(text) as { content: { n: number } }).content.n);
    return { numbers, next: through ?? world.stream.current, isAll: through === undefined };
  };
  const reopened = () => new ToDeviceInbox(world.database, world.clock, world.background);

  test('reach the device named, or all, in order, until they are acknowledged', async () => {
    const { bob, phone, laptop } = await open();
    await send(bob, phone, 'PHONE', 1);
    await send(bob, phone, '*', 2);
    await send(bob, phone, 'NONE', 3);
    expect((await got(laptop, undefined)).numbers).toEqual([2]);
    const first = await got(phone, undefined);
    expect(first.numbers).toEqual([1, 2]);
    expect((await got(phone, undefined)).numbers).toEqual([1, 2]);
    expect((await got(phone, undefined, reopened())).numbers).toEqual([1, 2]);
    await send(bob, phone, 'PHONE', 4);
    expect((await got(phone, first.next)).numbers).toEqual([4]);
    await world.clock.pass(1_000);
    await world.stream.commit([], []);
    expect((await got(phone, undefined, reopened())).numbers).toEqual([4]);
  });

  test('have type and sender', async () => {
    const { bob, phone } = await open();
    await send(bob, phone, 'PHONE', 1);
    const { texts } = await world.inbox.receive(phone.device, undefined, world.stream.current);
    expect(JSON.parse(texts[0] ?? '')).toEqual({ type: 'm.test', sender: bob.userId, content: { n: 1 } });
  });

  test('with one transaction id are sent once', async () => {
    const { bob, phone } = await open();
    await Promise.all([send(bob, phone, 'PHONE', 1, 'same'), send(bob, phone, 'PHONE', 2, 'same')]);
    await send(bob, phone, 'PHONE', 3, 'same');
    expect((await got(phone, undefined)).numbers).toEqual([1]);
    await send(phone, phone, 'PHONE', 4, 'same');
    expect((await got(phone, undefined)).numbers).toEqual([1, 4]);
  });

  test('come a hundred at a time', async () => {
    const { bob, phone } = await open();
    // The first one loads the devices, so that the others are sent in the order of the calls.
    await send(bob, phone, 'PHONE', 0);
    await Promise.all(Array.from({ length: 229 }, (_, i) => send(bob, phone, 'PHONE', i + 1)));
    const pages: number[][] = [];
    let after: number | undefined;
    for (let isAll = false; !isAll; ) {
      const page = await got(phone, after, pages.length === 1 ? reopened() : world.inbox);
      pages.push(page.numbers);
      after = page.next;
      isAll = page.isAll;
    }
    expect(pages.map(({ length }) => length)).toEqual([100, 100, 30]);
    expect(pages.flat()).toEqual(Array.from({ length: 230 }, (_, i) => i));
    expect(await got(phone, after)).toMatchObject({ numbers: [], isAll: true });
  });

  test('an answer contains all messages of one request or none', async () => {
    const { bob, phone } = await open();
    for (let n = 0; n < 99; n += 1) await send(bob, phone, 'PHONE', n);
    const messages = { [phone.userId]: { '*': { n: 99 }, PHONE: { n: 100 } } };
    await world.toDevice.send(bob, 'both', { type: 'm.test', messages });
    const first = await got(phone, undefined);
    const second = await got(phone, first.next);
    expect([first.numbers.length, second.numbers]).toEqual([99, [99, 100]]);
    expect([first.isAll, second.isAll]).toEqual([false, true]);
  });

  test('acknowledged messages are not delivered again before they are deleted', async () => {
    const { bob, phone } = await open();
    await send(bob, phone, 'PHONE', 1);
    const { next } = await got(phone, undefined);
    await send(bob, phone, 'PHONE', 2);
    await got(phone, next);
    const commit = vi.spyOn(world.database, 'commit').mockRejectedValueOnce(new Error('the disk is full'));
    const deletion = expect(world.inbox.deleteAcknowledged()).rejects.toThrow('the disk is full');
    expect((await got(phone, undefined)).numbers).toEqual([2]);
    await deletion;
    commit.mockRestore();
    expect((await got(phone, undefined)).numbers).toEqual([2]);
    await world.inbox.deleteAcknowledged();
    expect((await got(phone, undefined, reopened())).numbers).toEqual([2]);
  });

  test('cost no query when there are none', async () => {
    const { bob, phone } = await open();
    const query = vi.spyOn(world.database, 'all');
    /** Returns how many queries a look for messages after a position makes. */
    const queries = async (inbox: ToDeviceInbox, after: number) => {
      query.mockClear();
      await inbox.receive(phone.device, after, after);
      return query.mock.calls.length;
    };
    const { current } = world.stream;
    expect(await queries(world.inbox, current)).toBe(0);
    await send(bob, phone, 'PHONE', 1);
    expect((await got(phone, current)).numbers).toEqual([1]);
    const after = world.stream.current;
    expect(await queries(world.inbox, after)).toBe(0);
    const fresh = reopened();
    expect(await queries(fresh, after)).toBeGreaterThan(0);
    await world.stream.commit([], []);
    await fresh.receive(phone.device, after, after);
    expect(await queries(fresh, after)).toBe(0);
    query.mockRestore();
  });

  test('arriving while a copy is made are not lost', async () => {
    const { bob, phone } = await open();
    const inbox = reopened();
    const { current } = world.stream;
    await send(bob, phone, 'PHONE', 1);
    inbox.arrived([phone.device], world.stream.current);
    // The look does not go as far as what has just arrived.
    expect((await inbox.receive(phone.device, current, current)).texts).toEqual([]);
    expect((await got(phone, current, inbox)).numbers).toEqual([1]);
  });

  test('are never dropped for a device that was seen lately, and bounded for one that was not', async () => {
    const { bob, phone } = await open();
    const waiting = async () =>
      (await world.database.all(sql('SELECT num FROM to_device_messages WHERE device = ?'), phone.device)).length;
    await send(bob, phone, 'PHONE', 1);
    world.clock.skip(60 * DAY_MS);
    await send(bob, phone, 'PHONE', 2);
    await world.toDeviceRetention.run();
    expect(await waiting()).toBe(2);
    world.clock.skip(60 * DAY_MS);
    world.users.lastSeen.touch(phone.device, '127.0.0.1', undefined);
    await world.toDeviceRetention.run();
    expect(await waiting()).toBe(2);
    await world.users.lastSeen.flush();
    world.clock.skip(60 * DAY_MS);
    await world.toDeviceRetention.run();
    expect(await waiting()).toBe(2);
    world.clock.skip(31 * DAY_MS);
    await send(bob, phone, 'PHONE', 3);
    await world.toDeviceRetention.run();
    expect((await got(phone, undefined)).numbers).toEqual([3]);
  });

  test('beyond 10,000 all reach a device that was away for a week', async () => {
    const { phone } = await open();
    const count = 12_000;
    const position = world.stream.next();
    const nums = Array.from({ length: count }, (_, i) => rowNumber(position, i));
    const jsons = nums.map((_, i) => JSON.stringify({ content: { i } }));
    await world.stream.commit(
      [insertToDeviceMessages(nums, Array(count).fill(phone.device), jsons, world.clock.now())],
      [],
    );
    world.clock.skip(7 * DAY_MS);
    await world.toDeviceRetention.run();
    for (let i = 0; i < 600; i += 1) world.inbox.arrived([phone.device], world.stream.current);
    const rows = await world.database.all(sql('SELECT num FROM to_device_messages WHERE device = ?'), phone.device);
    expect(rows).toHaveLength(count);
  });

  test('a sender that floods is refused, others are not', async () => {
    const { alice, bob, phone } = await open();
    const large = (sender: { userId: string; device: number }, txn: string) => {
      const messages = { [phone.userId]: { PHONE: { text: 'x'.repeat(60_000) } } };
      return refusal(world.toDevice.send(sender, txn, { type: 'm.test', messages }));
    };
    const outcomes: string[] = [];
    for (let i = 0; i < 18; i += 1) outcomes.push(await large(bob, `flood ${i}`));
    expect(outcomes).toContain('M_LIMIT_EXCEEDED');
    expect(outcomes.indexOf('M_LIMIT_EXCEEDED')).toBeGreaterThan(14);
    expect(await large({ ...alice, device: 999_999 }, 'own')).toBe('no refusal');
    world.clock.skip(61_000);
    expect(await large(bob, 'later')).toBe('no refusal');
  });

  test('above the size limit are refused', async () => {
    const { bob, phone } = await open();
    const messages = { [phone.userId]: { PHONE: { text: 'x'.repeat(70_000) } } };
    expect(await refusal(world.toDevice.send(bob, 'large', { type: 'm.test', messages }))).toBe('M_TOO_LARGE');
  });

  test('users of other servers are passed over', async () => {
    const { bob } = await open();
    const messages = { '@x:elsewhere.test': { '*': {} } };
    expect(await refusal(world.toDevice.send(bob, 'far', { type: 'm.test', messages }))).toBe('no refusal');
  });
});
