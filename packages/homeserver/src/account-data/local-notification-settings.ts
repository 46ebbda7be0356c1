import type { PrepareRemoval } from '../users/sessions/sessions.ts';
import type { AccountData } from './account-data.ts';

/** The prefixes of the types of devices' notification settings: the accepted one and the unstable one. */
const PREFIXES = ['m.local_notification_settings.', 'org.matrix.msc3890.local_notification_settings.'];

/** Returns a function that deletes the notification settings of removed devices (MSC3890). */
export function deleteLocalNotificationSettings(accountData: AccountData): PrepareRemoval {
  return (user, deviceIds) => {
    const types = deviceIds.flatMap((deviceId) => PREFIXES.map((prefix) => prefix + deviceId));
    return accountData.prepareDeletion(user, types);
  };
}
