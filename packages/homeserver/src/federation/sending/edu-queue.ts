import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** The EDUs that may be lost: typing, receipts and presence. They are in memory until they are sent. */
export interface EduQueue {
  /** Queues an EDU for a server. It replaces an EDU with the same key that is not sent yet. */
  queueEdu(server: string, key: string, edu: JsonObject): void;
}
