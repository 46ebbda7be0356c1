import type { Migration } from './migration.ts';

/** Notes of each message to a device when it arrived, so that old ones can be dropped. Those from before count as old. */
export const toDeviceTimes: Migration = {
  version: 16,
  name: 'messages to devices have a time',
  oldestCompatible: 15,
  statements: ['ALTER TABLE to_device_messages ADD COLUMN ts INTEGER NOT NULL DEFAULT 0'],
};
