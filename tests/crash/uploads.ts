import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../packages/homeserver/src/media/blobs/content-hash.ts';
import { request } from '../support/client.ts';
import type { TestUser } from '../support/user.ts';

/** A file whose upload was answered. */
export interface Upload {
  /** `server/mediaId`. */
  readonly address: string;
  readonly mark: string;
  readonly length: number;
}

/** Some of them are longer than what the server keeps in memory. */
export const UPLOAD_LENGTH_MAX = 1_500_000;

/** The file of a mark. */
export function contentOf(mark: string, length: number): string {
  return `${mark} `.repeat(Math.ceil(length / (mark.length + 1))).slice(0, length);
}

/** Files whose upload was answered are as they were. @throws Error when one is not */
export async function checkUploads(user: TestUser, uploads: readonly Upload[]): Promise<void> {
  for (const { address, mark, length } of uploads) {
    const reply = await request(user, 'GET', `/_matrix/client/v1/media/download/${address}`);
    if (reply.status === 200 && reply.text === contentOf(mark, length)) continue;
    throw new Error(`the upload ${address} with ${length} bytes was acknowledged and is ${reply.status}`);
  }
}

/** Whatever has a name in the store is whole: its name is its hash. @throws Error for a file that is not */
export async function checkStore(dataDir: string): Promise<void> {
  const folder = join(dataDir, 'media');
  for (const path of globSync('[0-9a-f]/*', { cwd: folder })) {
    const hash = await contentHash();
    hash.update(readFileSync(join(folder, path)));
    if (hash.address() !== path.replace('/', '')) throw new Error(`the file ${path} is not what its name says`);
  }
}
