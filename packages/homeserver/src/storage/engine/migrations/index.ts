import { rooms } from './0001-rooms.ts';
import { accounts } from './0002-accounts.ts';
import { userData } from './0003-user-data.ts';
import { server } from './0004-server.ts';
import { encryption } from './0005-encryption.ts';
import { media } from './0006-media.ts';
import { push } from './0007-push.ts';
import { search } from './0008-search.ts';
import { slidingSync } from './0009-sliding-sync.ts';
import { delayedEvents } from './0010-delayed-events.ts';
import { peeks } from './0011-peeks.ts';
import { stickyEvents } from './0012-sticky-events.ts';
import { findableRows } from './0013-findable-rows.ts';
import { messagesByRoom } from './0014-messages-by-room.ts';
import { writer } from './0015-writer.ts';
import { toDeviceTimes } from './0016-to-device-times.ts';
import { erasedUsers } from './0017-erased-users.ts';
import { readableViews } from './0018-readable-views.ts';
import { serverKeys } from './0019-server-keys.ts';
import { edus } from './0020-edus.ts';
import { remoteEvents } from './0021-remote-events.ts';
import { partialState } from './0022-partial-state.ts';
import { peeksBetweenServers } from './0023-peeks-between-servers.ts';
import { membershipPositions } from './0024-membership-positions.ts';
import { earlyRelations } from './0025-early-relations.ts';
import { applicationServices } from './0026-application-services.ts';
import { noticeRooms } from './0027-notice-rooms.ts';
import type { Migration } from './migration.ts';

/** All migrations in the order of their versions, which is the order of their files. */
export const migrations: readonly Migration[] = [
  rooms,
  accounts,
  userData,
  server,
  encryption,
  media,
  push,
  search,
  slidingSync,
  delayedEvents,
  peeks,
  stickyEvents,
  findableRows,
  messagesByRoom,
  writer,
  toDeviceTimes,
  erasedUsers,
  readableViews,
  serverKeys,
  edus,
  remoteEvents,
  partialState,
  peeksBetweenServers,
  membershipPositions,
  earlyRelations,
  applicationServices,
  noticeRooms,
];
