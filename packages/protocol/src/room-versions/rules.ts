import { FIRST_REDACTION_RULES, type RedactionRules } from './redaction-rules.ts';

/** The rules of a room version. Each member is one difference between versions (rooms/v1 to rooms/v12, MSC3757). */
export interface RoomVersion {
  readonly id: string;
  /** False for versions that the specification does not contain. */
  readonly stable: boolean;
  /**
   * `v1`: chosen by the sender's server, `$opaque:server`; `v3`: the reference hash in Base64; `v4`: in URL-safe
   * Base64.
   */
  readonly eventIdFormat: 'v1' | 'v3' | 'v4';
  readonly stateResolution: 'v1' | 'v2' | 'v2.1';
  /** The members that redaction keeps. */
  readonly redaction: RedactionRules;
  /**
   * Authorisation rule 11 checks redactions (versions 1 and 2). In later versions a redaction takes effect once it is
   * known to be permitted.
   */
  readonly redactionAuth: boolean;
  /** A signing key is valid only until its `valid_until_ts` (version 5). */
  readonly enforceSigningKeyValidity: boolean;
  /** Events that are not canonical JSON are rejected (version 6). */
  readonly strictCanonicalJson: boolean;
  /** `m.room.aliases` has an authorisation rule of its own (up to version 5). */
  readonly aliasesAuth: boolean;
  /** Changes in `notifications` of the power levels are checked like those in `events` (version 6). */
  readonly notificationsPowerAuth: boolean;
  /** The join rule and membership `knock` exist (version 7). */
  readonly knock: boolean;
  /** The join rule `restricted` exists (version 8). */
  readonly restrictedJoin: boolean;
  /** The join rule `knock_restricted` exists (version 10). */
  readonly knockRestricted: boolean;
  /** Power levels must be integers (version 10). Earlier versions accept strings that contain integers. */
  readonly integerPowerLevels: boolean;
  /** A redaction names its target in `content.redacts`, not in `redacts` (version 11). */
  readonly contentRedacts: boolean;
  /** The creator is the sender of the create event, not `content.creator` (version 11). */
  readonly implicitCreator: boolean;
  /** The room id is the create event's id with another sigil, and the create event has none (version 12). */
  readonly createRoomIdHash: boolean;
  /** Creators, `additional_creators` among them, have infinite power (version 12). */
  readonly creatorsPrivileged: boolean;
  /**
   * The limits of members such as `type` count bytes (version 11). Earlier versions contain events of servers that counted
   * code points.
   */
  readonly byteLimits: boolean;
  /** The create event is not among `auth_events`: the room id implies it (version 12). */
  readonly authEventsWithoutCreate: boolean;
  /**
   * A state key that begins with a user id and an underscore belongs to that user, users with more power may write the
   * state of others, and state keys may be longer (MSC3757).
   */
  readonly ownedState: boolean;
}

const v1: RoomVersion = {
  id: '1',
  stable: true,
  eventIdFormat: 'v1',
  stateResolution: 'v1',
  redaction: FIRST_REDACTION_RULES,
  redactionAuth: true,
  enforceSigningKeyValidity: false,
  strictCanonicalJson: false,
  aliasesAuth: true,
  notificationsPowerAuth: false,
  knock: false,
  restrictedJoin: false,
  knockRestricted: false,
  integerPowerLevels: false,
  contentRedacts: false,
  implicitCreator: false,
  createRoomIdHash: false,
  creatorsPrivileged: false,
  byteLimits: false,
  authEventsWithoutCreate: false,
  ownedState: false,
};
const v2: RoomVersion = { ...v1, id: '2', stateResolution: 'v2' };
const v3: RoomVersion = { ...v2, id: '3', eventIdFormat: 'v3', redactionAuth: false };
const v4: RoomVersion = { ...v3, id: '4', eventIdFormat: 'v4' };
const v5: RoomVersion = { ...v4, id: '5', enforceSigningKeyValidity: true };
const v6: RoomVersion = {
  ...v5,
  id: '6',
  strictCanonicalJson: true,
  aliasesAuth: false,
  notificationsPowerAuth: true,
  redaction: { ...v5.redaction, aliases: false },
};
const v7: RoomVersion = { ...v6, id: '7', knock: true };
const v8: RoomVersion = {
  ...v7,
  id: '8',
  restrictedJoin: true,
  redaction: { ...v7.redaction, joinRulesAllow: true },
};
const v9: RoomVersion = { ...v8, id: '9', redaction: { ...v8.redaction, memberAuthorisedVia: true } };
const v10: RoomVersion = { ...v9, id: '10', knockRestricted: true, integerPowerLevels: true };
const v11: RoomVersion = {
  ...v10,
  id: '11',
  contentRedacts: true,
  byteLimits: true,
  implicitCreator: true,
  redaction: {
    ...v10.redaction,
    historicalFields: false,
    createWhole: true,
    memberThirdPartySigned: true,
    powerLevelsInvite: true,
    redactionRedacts: true,
  },
};
const v12: RoomVersion = {
  ...v11,
  id: '12',
  stateResolution: 'v2.1',
  createRoomIdHash: true,
  creatorsPrivileged: true,
  authEventsWithoutCreate: true,
};

const msc3757v10: RoomVersion = { ...v10, id: 'org.matrix.msc3757.10', stable: false, ownedState: true };
const msc3757v11: RoomVersion = { ...v11, id: 'org.matrix.msc3757.11', stable: false, ownedState: true };

/** Every room version of the specification, oldest first. */
export const STABLE_ROOM_VERSIONS: readonly RoomVersion[] = [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12];

/** Every room version that this server supports: those of the specification, then those of proposals. */
export const ROOM_VERSIONS: readonly RoomVersion[] = [...STABLE_ROOM_VERSIONS, msc3757v10, msc3757v11];

/** The version of new rooms (rooms/, "Feature matrix"). */
export const DEFAULT_ROOM_VERSION = '12';

const BY_ID: ReadonlyMap<string, RoomVersion> = new Map(ROOM_VERSIONS.map((version) => [version.id, version]));

/** Returns the rules of a room version, or undefined when it is not known. */
export function roomVersion(id: string): RoomVersion | undefined {
  return BY_ID.get(id);
}
