import type { Migration } from './migration.ts';

/**
 * Adds the time of arrival to each to-device message, so that old ones can be deleted. Existing messages count as old.
 */
export const toDeviceTimes: Migration = {
  version: 16,
  name: 'messages to devices have a time',
  oldestCompatible: 15,
  statements: ['ALTER TABLE to_device_messages ADD COLUMN ts INTEGER NOT NULL DEFAULT 0'],
};
