import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import type { ClientEvent, TestUser } from './user.ts';

/** A room of a sliding sync answer. */
export interface SlidingRoom {
  readonly initial?: boolean;
  readonly membership?: string;
  readonly name?: string;
  readonly avatar?: string;
  readonly is_dm?: boolean;
  readonly required_state?: ClientEvent[];
  readonly timeline?: ClientEvent[];
  readonly limited?: boolean;
  readonly prev_batch?: string;
  readonly num_live?: number;
  readonly bump_stamp?: number;
  readonly joined_count?: number;
  readonly invited_count?: number;
  readonly notification_count?: number;
  readonly highlight_count?: number;
  readonly heroes?: { readonly user_id: string; readonly displayname?: string }[];
  readonly invite_state?: ClientEvent[];
  readonly unstable_expanded_timeline?: boolean;
}

export interface SlidingReply {
  readonly pos: string;
  readonly txn_id?: string;
  readonly lists: Record<string, { readonly count: number; readonly ops: { readonly room_ids: string[] }[] }>;
  readonly rooms: Record<string, SlidingRoom>;
  readonly extensions: Record<string, JsonObject>;
}

/** A loop of sliding sync requests. Each request continues from the position of the last answer. */
export class SlidingLoop {
  readonly #user: TestUser;
  readonly #connId: string | undefined;
  pos: string | undefined;

  constructor(user: TestUser, connId?: string) {
    this.#user = user;
    this.#connId = connId;
  }

  /** Returns the next answer. */
  async next(body: JsonObject, timeout = 0): Promise<SlidingReply> {
    const reply = await this.retry(body, timeout);
    this.pos = reply.pos;
    return reply;
  }

  /** Sends a request whose answer is treated as lost, so that the next request uses the same position. */
  retry(body: JsonObject, timeout = 0): Promise<SlidingReply> {
    return slidingSync(this.#user, this.#connId === undefined ? body : { conn_id: this.#connId, ...body }, {
      ...(this.pos === undefined ? {} : { pos: this.pos }),
      timeout: String(timeout),
    });
  }
}

export const SLIDING_PATH = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

function slidingSync(user: TestUser, body: JsonObject, query: Record<string, string>): Promise<SlidingReply> {
  return user.post<SlidingReply>(SLIDING_PATH, body, query);
}
