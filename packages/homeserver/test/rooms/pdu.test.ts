import type { Pdu } from '@hearth/protocol/events/event.ts';
import { eventId, hasValidContentHash } from '@hearth/protocol/events/hash.ts';
import { parsePdu } from '@hearth/protocol/events/shape.ts';
import { asObject } from '@hearth/protocol/json/value.ts';
import { ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import { verifyPduSignature } from '@hearth/protocol/signing/pdu.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseFilter } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../../src/platform/long-text.ts';
import { pdusOf } from '../../src/rooms/events/pdu.ts';
import type { Head } from '../../src/rooms/head.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type World } from '../support/world.ts';

describe('events as servers exchange them', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const isSigned = (pdu: Pdu, head: Head) => {
    const { serverName, key } = world.signer;
    return verifyPduSignature(pdu, head.version, serverName, key.keyId, key.publicKey);
  };
  /** A room of that version with all kinds of events, and all of them. */
  const filled = async (version: string) => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, { preset: 'public_chat', room_version: version, name: 'Name' });
    await world.joining.join(head, bob);
    await world.setState(alice, head, 'm.room.topic', { topic: 'Töpic 🔥' });
    const message = await world.say(bob, head, { msgtype: 'm.text', body: 'text', nested: { z: 1, a: [true, null] } });
    const nums = async () => world.timelines.page({ room: head.num, after: 0, upTo: head.row.seq }, false, 100);
    return { alice, bob, head, message, all: async () => world.events.list(await nums()) };
  };

  test.each(ROOM_VERSIONS.map(({ id }) => id))('version %s: hashes, signatures and ids hold', async (version) => {
    const { alice, head, message, all } = await filled(version);
    const before = await all();
    const pdus = await pdusOf(world, head.version, before);
    for (const [i, pdu] of pdus.entries()) {
      expect(parsePdu(pdu, head.version).refusal).toBeUndefined();
      expect(hasValidContentHash(pdu, head.version)).toBe(true);
      expect(isSigned(pdu, head)).toBe(true);
      expect(eventId(pdu, head.version)).toBe(before[i]?.eventId);
      expect(pdu.room_id).toBe(version === '12' && i === 0 ? undefined : head.roomId);
      expect(pdu.prev_events).toHaveLength(i === 0 ? 0 : 1);
    }
    const redaction = await world.redact(alice, head, message.eventId);
    const [redacted, taken] = await pdusOf(world, head.version, await world.events.list([message.num, redaction.num]));
    if (redacted === undefined || taken === undefined) throw new Error('there must be two');
    expect(redacted.content).toEqual({});
    expect(isSigned(redacted, head)).toBe(true);
    expect(eventId(redacted, head.version)).toBe(message.eventId);
    expect(hasValidContentHash(redacted, head.version)).toBe(false);
    expect(hasValidContentHash(taken, head.version)).toBe(true);
    expect(head.version.contentRedacts ? taken.content.redacts : taken.redacts).toBe(message.eventId);
  });

  test('a redaction that is itself redacted keeps its signature', async () => {
    for (const version of ['1', '10', '11']) {
      const { alice, head, message } = await filled(version);
      const redaction = await world.redact(alice, head, message.eventId);
      await world.redact(alice, head, redaction.eventId);
      const [pdu] = await pdusOf(world, head.version, await world.events.list([redaction.num]));
      if (pdu === undefined) throw new Error('there must be one');
      expect(isSigned(pdu, head)).toBe(true);
      expect(eventId(pdu, head.version)).toBe(redaction.eventId);
    }
  });

  test('/sync gives them to whoever asks with event_format', async () => {
    const { bob, head } = await filled('11');
    const text = await world.sync.respond({
      user: bob.user,
      userId: bob.userId,
      device: bob.device,
      since: undefined,
      filter: parseFilter({ event_format: 'federation', room: { timeline: { limit: 3 } } }),
      fullState: false,
      stateAfter: undefined,
      presence: 'offline',
      timeoutMs: 0,
      cancellation: () => new Cancellation(),
    });
    const room = asObject(asObject(asObject(JSON.parse(await wholeText(text)).rooms)?.join)?.[head.roomId]);
    const sections = [asObject(room?.timeline)?.events, asObject(room?.state)?.events].flat() as Pdu[];
    expect(sections).toHaveLength((await world.readers.numsIn(head.root)).length + 1);
    for (const pdu of sections) expect(isSigned(pdu, head) && hasValidContentHash(pdu, head.version)).toBe(true);
  });
});
