import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';

describe.each(engines)('owned state (MSC3757), on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  /** A room of a moderator and a member without power who may set state of the type `x`. */
  const shared = async (version: string) => {
    const [moderator, member] = [await world.person(), await world.person()];
    const head = await world.room(moderator, {
      preset: 'public_chat',
      room_version: version,
      power_level_content_override: { events: { x: 0 } },
    });
    await world.joining.join(head, member);
    return { moderator, member, head };
  };

  test('a member writes own keys and a moderator those of everybody', async () => {
    const { moderator, member, head } = await shared('org.matrix.msc3757.11');
    const stateKey = `${member.userId}_${'k'.repeat(255)}`;
    await world.setState(member, head, 'x', { by: 'member' }, stateKey);
    expect((await head.state('x', stateKey))?.content).toEqual({ by: 'member' });
    await world.setState(moderator, head, 'x', { by: 'moderator' }, stateKey);
    const reopened = await (await world.reopenRooms()).heads.get(head.roomId);
    expect((await reopened.state('x', stateKey))?.content).toEqual({ by: 'moderator' });
    expect(await refusal(world.setState(member, head, 'x', {}, `${moderator.userId}_k`))).toBe('M_FORBIDDEN');
  });

  test('keys of a form or size that the room version does not allow are refused as such', async () => {
    const { moderator, head } = await shared('org.matrix.msc3757.10');
    const set = (stateKey: string) => refusal(world.setState(moderator, head, 'x', {}, stateKey));
    expect(await set('@oops')).toBe('M_BAD_JSON');
    expect(await set(`${moderator.userId}@k`)).toBe('M_BAD_JSON');
    expect(await set(`${moderator.userId}_${'k'.repeat(256)}`)).toBe('M_TOO_LARGE');
    expect(await set('k'.repeat(256))).toBe('M_TOO_LARGE');
  });

  test('a room of the version below refuses own keys with a suffix', async () => {
    const { moderator, head } = await shared('10');
    expect(await refusal(world.setState(moderator, head, 'x', {}, `${moderator.userId}_k`))).toBe('M_FORBIDDEN');
    expect(await refusal(world.setState(moderator, head, 'x', {}, '@oops'))).toBe('M_FORBIDDEN');
  });
});
