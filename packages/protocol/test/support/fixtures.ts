import { readdirSync, readFileSync } from 'node:fs';
import type { AuthEvent } from '../../src/events/event.ts';
import type { JsonObject } from '../../src/json/value.ts';
import { ROOM_VERSIONS, type RoomVersion } from '../../src/room-versions/rules.ts';

const ROOT = new URL('../fixtures/', import.meta.url);

/** An event in a fixture. `fixtureEvent` adds the members that are left out. */
export interface FixtureEvent {
  id?: string;
  sender: string;
  type: string;
  state_key?: string;
  content?: JsonObject;
  ts?: number;
  prev?: string[];
  auth?: string[];
  redacts?: string;
  room_id?: string;
  rejected?: boolean;
}

/** Returns the names of the scenarios of an area, which are its folders. */
export function scenarios(area: string): string[] {
  return readdirSync(new URL(`${area}/`, ROOT), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/** Returns the content of a fixture's file, with the type that the test expects. */
export function readFixture<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, ROOT), 'utf8')) as T;
}

/** Returns the room versions that a list such as `["1-9", "12"]` names; all of them when there is no list. */
export function versionsIn(ranges: string[] = ['1-12']): RoomVersion[] {
  return ROOM_VERSIONS.filter(({ id }) =>
    ranges.some((range) => {
      const [from = range, to = from] = range.split('-');
      return Number(from) <= Number(id) && Number(id) <= Number(to);
    }),
  );
}

/** Returns the event of a fixture, in a room whose create event is `$create`. */
export function fixtureEvent(fixture: FixtureEvent, version: RoomVersion, index = 0): AuthEvent {
  return {
    eventId: fixture.id ?? `$event${index}:a`,
    roomId: fixture.room_id ?? (version.createRoomIdHash ? '!create:a' : '!room:a'),
    sender: fixture.sender,
    type: fixture.type,
    ...(fixture.state_key === undefined ? {} : { stateKey: fixture.state_key }),
    content: fixture.content ?? {},
    originServerTs: fixture.ts ?? index,
    depth: index,
    authEvents: fixture.auth ?? [],
    prevEvents: fixture.prev ?? ['$previous:a'],
    ...(fixture.redacts === undefined ? {} : { redacts: fixture.redacts }),
    ...(fixture.rejected === undefined ? {} : { rejected: fixture.rejected }),
  };
}
