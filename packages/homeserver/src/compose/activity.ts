import { Presences } from '../presence/presence.ts';
import { Receipts } from '../receipts/receipts.ts';
import type { FindEventPlace, Membership } from '../rooms/membership/membership-view.ts';
import { TypingNotices } from '../typing/typing.ts';
import type { Base } from './base.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

/** The facts about rooms that activities depend on. */
export interface RoomsView {
  readonly membership: Membership;
  readonly eventPlace: FindEventPlace;
}

export type Activity = ReturnType<typeof openActivity>;

/** Creates the activities in rooms besides events: receipts, typing, presence. */
export function openActivity(
  { database, names, stream, clock, background }: Omit<Base, 'random'>,
  { accountChanges }: Users,
  { accountData }: UserData,
  { membership, eventPlace }: RoomsView,
) {
  const typing = new TypingNotices({ stream, clock, membership, background });
  const presences = new Presences({ database, names, stream, clock, background, membership });
  accountChanges.onDeactivated((user) => presences.forget(user));
  return {
    receipts: new Receipts({ database, stream, names, clock, membership, eventPlace, accountData }),
    typing,
    presences,
    close() {
      typing.close();
    },
  };
}
