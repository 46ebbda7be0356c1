import { SMTPServer } from 'smtp-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PushService } from '../../src/compose/push.ts';
import { guardedPostJson } from '../../src/push/post-json.ts';
import { sqlite } from '../storage/engines.ts';
import { openOutbound } from '../support/outbound.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';

const MINUTE_MS = 60_000;

/** A mail server that keeps what it gets. */
class MailServer {
  readonly mails: { readonly to: string[]; readonly text: string }[] = [];
  refuses = false;
  refused = 0;
  readonly #server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onRcptTo: (_address, _session, callback) => {
      if (this.refuses) this.refused += 1;
      callback(this.refuses ? new Error('not now') : undefined);
    },
    onData: (stream, session, callback) => {
      let text = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => {
        this.mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        callback();
      });
    },
  });

  listen(): Promise<number> {
    return new Promise((resolve) => {
      const listening = this.#server.listen(0, '127.0.0.1', () => {
        const address = listening.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

describe('mail about missed messages', () => {
  let world: World;
  let service: PushService;
  let mails: MailServer;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(async () => {
    expect(world.faults).toEqual([]);
    await world.end();
  });
  beforeEach(async () => {
    mails = new MailServer();
    service = await start(await mails.listen());
  });
  afterEach(async () => {
    service.close();
    await mails.close();
  });

  const start = (port: number, toAnyAddress = true) =>
    world.openPush({
      postJson: guardedPostJson(openOutbound(world.clock)),
      mail: {
        mailer: { host: '127.0.0.1', port, tls: 'never', login: undefined, from: 'Hearth <hearth@test.local>' },
        toAnyAddress,
        afterMs: 10 * MINUTE_MS,
        everyMs: 60 * MINUTE_MS,
      },
    });
  const pusher = (pushkey: string) => ({
    kind: 'email',
    app_id: 'm.email',
    pushkey,
    app_display_name: 'Mail',
    device_display_name: pushkey,
    lang: 'en',
    data: {},
  });
  const open = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, { preset: 'public_chat', name: 'Room <b>one</b>' });
    await world.joining.join(head, bob);
    await service.push.setPusher(bob, pusher('bob@example.org'));
    return { alice, bob, head };
  };
  const arrived = (count: number) =>
    expect
      .poll(async () => {
        await world.clock.pass(100);
        return mails.mails.length;
      })
      .toBe(count);

  test('waits, has everything in it as text and HTML, and comes seldom', async () => {
    const { alice, head } = await open();
    await world.say(alice, head, 'first <script>');
    await world.clock.pass(9 * MINUTE_MS);
    await world.say(alice, head, 'second');
    expect(mails.mails).toEqual([]);
    await world.clock.pass(2 * MINUTE_MS);
    await arrived(1);
    const [mail] = mails.mails;
    expect(mail?.to).toEqual(['bob@example.org']);
    expect(mail?.text).toContain('Subject: Unread in Room <b>one</b>');
    expect(mail?.text).toContain('From: Hearth <hearth@test.local>');
    expect(mail?.text).toContain('first <script>');
    expect(mail?.text).toContain('first &lt;script&gt;');
    expect(mail?.text).toContain('second');
    await world.say(alice, head, 'third');
    await world.clock.pass(30 * MINUTE_MS);
    expect(mails.mails).toHaveLength(1);
    await world.clock.pass(40 * MINUTE_MS);
    await arrived(2);
    expect(mails.mails[1]?.text).toContain('third');
    expect(mails.mails[1]?.text).not.toContain('second');
  });

  test('is not sent about what was read meanwhile', async () => {
    const { alice, bob, head } = await open();
    const { eventId } = await world.say(alice, head, 'read soon');
    await world.clock.pass(5 * MINUTE_MS);
    await world.receipts.send(bob, head.roomId, 'm.read.private', eventId);
    await world.say(alice, head, 'never read');
    await world.clock.pass(11 * MINUTE_MS);
    await arrived(1);
    expect(mails.mails[0]?.text).not.toContain('read soon');
  });

  test('is tried again when the mail server refuses it', async () => {
    const { alice, head } = await open();
    mails.refuses = true;
    await world.say(alice, head, 'later');
    await world.clock.pass(11 * MINUTE_MS);
    await expect.poll(() => mails.refused).toBeGreaterThan(0);
    mails.refuses = false;
    await arrived(1);
  });

  test('goes to no address that is none, and to none at all unless it is set up so', async () => {
    const bob = await world.person();
    const set = (address: string, to = service) => refusal(to.push.setPusher(bob, pusher(address)));
    expect(await set('bob')).toBe('M_INVALID_PARAM');
    expect(await set('a@example.org, b@example.org')).toBe('M_INVALID_PARAM');
    expect(await set('a@example.org\nBcc: b@example.org')).toBe('M_INVALID_PARAM');
    expect(await refusal(service.push.setPusher(bob, { ...pusher('a@b.c'), app_id: 'x' }))).toBe('M_INVALID_PARAM');
    const strict = await start(1, false);
    expect(await set('bob@example.org', strict)).toBe('M_INVALID_PARAM');
    strict.close();
  });
});
