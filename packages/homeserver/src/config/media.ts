import * as v from 'valibot';
import { about, httpUrl, text, wholeNumber } from './kinds.ts';

/** A size of an image, written as `96x96`. */
const size = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,3}x[1-9]\d{0,3}$/),
  v.transform((value) => {
    const [width = 0, height = 0] = value.split('x').map(Number);
    return { width, height };
  }),
);

const s3 = v.strictObject({
  endpoint: v.pipe(
    httpUrl,
    about({ doc: 'Where the service is.', write: 'a URL such as https://s3.eu-central-1.amazonaws.com' }),
  ),
  bucket: v.pipe(text, about({ doc: 'The bucket, which has to exist.', write: 'the name of a bucket' })),
  region: v.optional(
    v.pipe(text, about({ doc: 'The region of the bucket.', write: 'the name of a region' })),
    'us-east-1',
  ),
  access_key: v.pipe(
    text,
    about({
      doc: 'The id of the key that may use the bucket.',
      write: 'an access key id',
      env: 'HEARTH_S3_ACCESS_KEY',
    }),
  ),
  secret_key: v.pipe(
    text,
    about({ doc: 'The secret of that key.', write: 'a secret access key', env: 'HEARTH_S3_SECRET_KEY' }),
  ),
  prefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[\w./-]*$/),
      about({ doc: 'What the keys of all objects begin with.', write: 'a text such as media/' }),
    ),
    '',
  ),
});

const previews = v.strictObject({
  enabled: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether the server fetches pages that users link to, to show what they are about. It never asks private networks, see `outbound.allowed_addresses`.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  kept_minutes: v.optional(
    v.pipe(
      wholeNumber(1, 525_600),
      about({ doc: 'How long a preview is used again.', write: 'a number of minutes, at least 1' }),
    ),
    60,
  ),
  image_bytes: v.optional(
    v.pipe(
      wholeNumber(0),
      about({ doc: 'The largest image that is taken for a preview.', write: 'a number of bytes' }),
    ),
    10_485_760,
  ),
});

/** The content repository. */
export const media = v.strictObject({
  folder: v.optional(
    v.pipe(
      text,
      about({
        doc: 'Where uploaded files lie. Without it: `media` in the data folder.',
        write: 'the path of a folder',
      }),
    ),
  ),
  s3: v.optional(s3),
  upload_bytes: v.optional(
    v.pipe(
      wholeNumber(1),
      about({ doc: 'The largest file that is taken, from users and from other servers.', write: 'a number of bytes' }),
    ),
    52_428_800,
  ),
  pending: v.optional(
    v.pipe(
      wholeNumber(1),
      about({
        doc: 'How many uploads a user may announce before their files come.',
        write: 'a whole number, at least 1',
      }),
    ),
    50,
  ),
  pending_minutes: v.optional(
    v.pipe(
      wholeNumber(1, 525_600),
      about({ doc: 'How long an announced upload is waited for.', write: 'a number of minutes, at least 1' }),
    ),
    1_440,
  ),
  unauthenticated: v.optional(
    v.pipe(
      v.picklist(['frozen', 'open']),
      about({
        doc: 'What can be read without an account, by the paths that clients used before Matrix 1.11: with `frozen` only what was uploaded while this was `open`.',
        write: 'frozen or open',
      }),
    ),
    'frozen',
  ),
  thumbnail_sizes: v.optional(
    v.pipe(
      v.array(size),
      v.maxLength(32),
      about({
        doc: 'The sizes of thumbnails that are made; a request gets the next larger one.',
        write: 'a list of up to 32 sizes such as 96x96',
      }),
    ),
    ['32x32', '96x96', '320x240', '320x320', '640x480', '640x640', '800x600'],
  ),
  image_pixels: v.optional(
    v.pipe(
      wholeNumber(1),
      about({
        doc: 'Images with more pixels, all frames together, get no thumbnails.',
        write: 'a number of pixels',
      }),
    ),
    64_000_000,
  ),
  remote_kept_days: v.optional(
    v.pipe(
      wholeNumber(1, 36_500),
      about({
        doc: 'How long a copy of a file from another server is kept after somebody has last read it.',
        write: 'a number of days, at least 1',
      }),
    ),
    90,
  ),
  previews: v.optional(previews, {}),
});
