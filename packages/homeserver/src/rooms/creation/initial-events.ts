import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { EventDraft } from '../events/draft.ts';
import { type MemberProfile, memberContent } from '../membership/member-content.ts';

export type Preset = 'private_chat' | 'trusted_private_chat' | 'public_chat';

/** A state event of `initial_state`. */
export interface InitialState {
  readonly type: string;
  readonly state_key?: string | undefined;
  readonly content: JsonObject;
}

/** The body of `POST /createRoom`. */
export interface RoomOptions {
  readonly visibility?: 'public' | 'private' | undefined;
  readonly room_alias_name?: string | undefined;
  readonly name?: string | undefined;
  readonly topic?: string | undefined;
  readonly invite?: readonly string[] | undefined;
  readonly room_version?: string | undefined;
  readonly creation_content?: JsonObject | undefined;
  readonly initial_state?: readonly InitialState[] | undefined;
  readonly preset?: Preset | undefined;
  readonly is_direct?: boolean | undefined;
  readonly power_level_content_override?: JsonObject | undefined;
}

interface Given {
  readonly creator: string;
  /** The content of the creator's member event. */
  readonly member: JsonObject;
  readonly version: RoomVersion;
  /** The profiles of the invited users. */
  readonly profiles: ReadonlyMap<string, MemberProfile>;
  readonly alias?: string;
  readonly options: RoomOptions;
}

const PRESETS: Record<Preset, { joinRule: string; historyVisibility: string; guestAccess: string }> = {
  private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  trusted_private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  public_chat: { joinRule: 'public', historyVisibility: 'shared', guestAccess: 'forbidden' },
};

/**
 * Returns the events after the create event in the order of the specification (client-server API, "Creation"): the
 * creator, power levels, alias, preset, `initial_state`, name and topic, invites.
 */
export function initialEvents(given: Given): EventDraft[] {
  const { creator, options, alias } = given;
  const state = (type: string, content: JsonObject, stateKey = ''): EventDraft => ({
    type,
    stateKey,
    sender: creator,
    content,
  });
  const preset = PRESETS[options.preset ?? (options.visibility === 'public' ? 'public_chat' : 'private_chat')];
  const initial = options.initial_state ?? [];
  const isGiven = (type: string) => initial.some((event) => event.type === type && (event.state_key ?? '') === '');
  const defaults: EventDraft[] = [
    ...(alias === undefined ? [] : [state('m.room.canonical_alias', { alias })]),
    state('m.room.join_rules', { join_rule: preset.joinRule }),
    state('m.room.history_visibility', { history_visibility: preset.historyVisibility }),
    // Guests may not join a room without this event.
    ...(preset.guestAccess === 'forbidden' ? [] : [state('m.room.guest_access', { guest_access: preset.guestAccess })]),
  ].filter(({ type }) => !isGiven(type));
  return [
    state('m.room.member', given.member, creator),
    state('m.room.power_levels', powerLevels(given)),
    ...defaults,
    ...initial
      .filter(({ type }) => type !== 'm.room.power_levels')
      .map(({ type, state_key, content }) => state(type, content, state_key ?? '')),
    ...(options.name === undefined ? [] : [state('m.room.name', { name: options.name })]),
    ...(options.topic === undefined ? [] : [state('m.room.topic', topicContent(options.topic))]),
    ...invites(given),
  ];
}

function invites({ creator, options, profiles }: Given): EventDraft[] {
  return [...new Set(options.invite ?? [])].map((invitee) => ({
    type: 'm.room.member',
    stateKey: invitee,
    sender: creator,
    content: memberContent('invite', profiles.get(invitee), options.is_direct === true ? { isDirect: true } : {}),
  }));
}

/** Returns a topic as text and as extensible event (client-server API, "m.room.topic"). */
function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic }] } };
}

/**
 * Returns the power levels of `initial_state`, otherwise the default ones, with the overrides of the request. Creators
 * of version 12 are not listed, because their power is infinite.
 */
function powerLevels(given: Given): JsonObject {
  const { options } = given;
  const initial = options.initial_state?.find(
    ({ type, state_key }) => type === 'm.room.power_levels' && (state_key ?? '') === '',
  );
  return { ...(initial?.content ?? defaultLevels(given)), ...options.power_level_content_override };
}

function defaultLevels({ creator, version, options }: Given): JsonObject {
  const users: Record<string, number> = version.creatorsPrivileged ? {} : { [creator]: 100 };
  if (options.preset === 'trusted_private_chat' && !version.creatorsPrivileged) {
    for (const invitee of options.invite ?? []) users[invitee] = 100;
  }
  const isPublic =
    (options.preset ?? (options.visibility === 'public' ? 'public_chat' : 'private_chat')) === 'public_chat';
  return {
    users,
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
      // Only creators can replace a room (rooms/v12, "Power levels").
      'm.room.tombstone': version.creatorsPrivileged ? 150 : 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: isPublic ? 50 : 0,
  };
}
