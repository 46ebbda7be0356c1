import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../packages/homeserver/src/media/blobs/content-hash.ts';
import { request } from '../support/client.ts';
import type { TestUser } from '../support/user.ts';

/** A file whose upload was acknowledged. */
export interface Upload {
  /** `server/mediaId`. */
  readonly address: string;
  readonly mark: string;
  readonly length: number;
}

/** The maximum length of an upload in bytes. Some uploads are longer than the server keeps in memory. */
export const UPLOAD_LENGTH_MAX = 1_500_000;

/** Returns the content of a file for a mark. */
export function contentOf(mark: string, length: number): string {
  return `${mark} `.repeat(Math.ceil(length / (mark.length + 1))).slice(0, length);
}

/** Checks that acknowledged uploads are unchanged. @throws Error when one is not */
export async function checkUploads(user: TestUser, uploads: readonly Upload[]): Promise<void> {
  for (const { address, mark, length } of uploads) {
    const reply = await request(user, 'GET', `/_matrix/client/v1/media/download/${address}`);
    if (reply.status === 200 && reply.text === contentOf(mark, length)) continue;
    throw new Error(`the upload ${address} with ${length} bytes was acknowledged and is ${reply.status}`);
  }
}

/** Checks that every file in the store is complete, because its name is its hash. @throws Error when one is not */
export async function checkStore(dataDir: string): Promise<void> {
  const folder = join(dataDir, 'media');
  for (const path of globSync('[0-9a-f]/*', { cwd: folder })) {
    const hash = await contentHash();
    hash.update(readFileSync(join(folder, path)));
    if (hash.address() !== path.replace('/', ''))
      throw new Error(`the file ${path} does not have the hash in its name`);
  }
}
