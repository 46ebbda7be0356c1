import { OpenIdTokens } from '../openid/openid-tokens.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { Reports } from '../reports/reports.ts';
import { purgeExpired } from '../retention/purge.ts';
import { messageIndexer } from '../search/indexer.ts';
import { ThreadSubscriptions } from '../thread-subscriptions/thread-subscriptions.ts';
import { People } from '../user-directory/people.ts';
import type { Reading } from './sync.ts';
import type { Users } from './users.ts';

/** The interval of indexing. It may be long, because a search waits until the index is up to date. */
const INDEX_EVERY_MS = 5 * 60_000;
const PURGE_EVERY_MS = 60 * 60_000;
const REPORTS_EVERY_MS = 24 * 60 * 60_000;

export interface ServicesBase {
  readonly reading: Reading;
  readonly users: Users;
  readonly background: Background;
}

/** Creates services besides rooms: search, user directory, reports, OpenID tokens. */
export function openServices({ reading, users, background }: ServicesBase) {
  const { index: messageIndex, follower } = messageIndexer({ ...reading, background });
  const people = new People({ ...reading, background });
  const reports = new Reports({ ...reading, accounts: users.accounts });
  const openIdTokens = new OpenIdTokens(reading);
  const threadSubscriptions = new ThreadSubscriptions(reading);
  reading.profiles.onChange((user, userId) =>
    background.start('putting a profile into the user directory', () => people.put([{ user, userId }])),
  );
  users.accountChanges.onDeactivated((user) => people.remove(user));
  users.accountChanges.onDeactivated((user) => openIdTokens.forget(user));
  users.accountChanges.onDeactivated((user) => threadSubscriptions.forget(user));
  background.every(INDEX_EVERY_MS, 'indexing messages', () => follower.catchUp());
  background.every(INDEX_EVERY_MS, 'indexing people', () => people.catchUp());
  if (reading.retention.isActive) {
    background.every(PURGE_EVERY_MS, 'deleting old messages', () =>
      purgeExpired({ ...reading, messageIndex, background }),
    );
  }
  background.every(REPORTS_EVERY_MS, 'forgetting old reports', () => reports.expire());
  return { messageIndex, messageIndexer: follower, people, reports, openIdTokens, threadSubscriptions };
}

export type Services = ReturnType<typeof openServices>;
