import { guard, sql, type Write, write } from '../engine/database.ts';

const insert = sql(
  'INSERT INTO received_messages (server, message_id, ts) VALUES (?, ?, ?) ON CONFLICT (server, message_id) DO NOTHING',
);
const removeOld = sql('DELETE FROM received_messages WHERE ts < ?');

/** Returns a guard: the transaction is rejected if the message of the server was received before. */
export function insertReceivedMessage(server: string, messageId: string, ts: number): Write {
  return guard(insert, server, messageId, ts);
}

/** Deletes the ids of messages that were received before a time. */
export function deleteOldReceivedMessages(beforeTs: number): Write {
  return write(removeOld, beforeTs);
}
