import { type Clock, every } from '../../platform/clock.ts';
import type { IncomingReply } from '../../platform/outbound/reply.ts';

/** The period in which `BYTES_MIN` have to arrive. */
const PERIOD_MS = 30_000;
const BYTES_MIN = 32 * 1024;
/** The time for the whole body. */
export const BODY_MS = 20 * 60_000;

/** Returns the chunks of an answer. Closes an answer that arrives too slowly. @throws OutboundError */
export async function* steadyChunks(reply: IncomingReply, clock: Clock): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  const pace = every(clock, PERIOD_MS, () => {
    if (bytes < BYTES_MIN) reply.close();
    bytes = 0;
  });
  const end = clock.after(BODY_MS, () => reply.close());
  try {
    for await (const chunk of reply.chunks()) {
      bytes += chunk.length;
      yield chunk;
    }
  } finally {
    pace.cancel();
    end.cancel();
  }
}
