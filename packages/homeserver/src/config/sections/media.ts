import * as v from 'valibot';
import { about, httpUrl, text, wholeNumber } from '../kinds.ts';

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
    about({ doc: 'The URL of the S3 service.', write: 'a URL such as https://s3.eu-central-1.amazonaws.com' }),
  ),
  bucket: v.pipe(text, about({ doc: 'The bucket for media. It must exist.', write: 'the name of a bucket' })),
  region: v.optional(
    v.pipe(text, about({ doc: 'The region of the bucket.', write: 'the name of a region' })),
    'us-east-1',
  ),
  access_key: v.pipe(
    text,
    about({
      doc: 'The id of the access key for the bucket.',
      write: 'an access key id',
      env: 'HEARTH_S3_ACCESS_KEY',
    }),
  ),
  secret_key: v.pipe(
    text,
    about({ doc: 'The secret of the access key.', write: 'a secret access key', env: 'HEARTH_S3_SECRET_KEY' }),
  ),
  prefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[\w./-]*$/),
      about({ doc: 'A prefix for the keys of all objects.', write: 'a text such as media/' }),
    ),
    '',
  ),
});

const previews = v.strictObject({
  enabled: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether the server fetches linked pages to create URL previews. It does not connect to private networks, except to `outbound.allowed_addresses`.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  kept_minutes: v.optional(
    v.pipe(
      wholeNumber(1, 525_600),
      about({
        doc: 'How long the server keeps a preview and uses it for further requests.',
        write: 'a number of minutes, at least 1',
      }),
    ),
    60,
  ),
  image_bytes: v.optional(
    v.pipe(
      wholeNumber(0),
      about({ doc: 'The largest image that the server downloads for a preview.', write: 'a number of bytes' }),
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
        doc: 'The folder for media files. If it is missing, the server uses the folder `media` in the data folder.',
        write: 'the path of a folder',
      }),
    ),
  ),
  s3: v.optional(s3),
  upload_bytes: v.optional(
    v.pipe(
      wholeNumber(1),
      about({
        doc: 'The largest file that the server accepts from users and from other servers.',
        write: 'a number of bytes',
      }),
    ),
    52_428_800,
  ),
  pending: v.optional(
    v.pipe(
      wholeNumber(1),
      about({
        doc: 'How many media ids a user may create before uploading the files.',
        write: 'a whole number, at least 1',
      }),
    ),
    50,
  ),
  pending_minutes: v.optional(
    v.pipe(
      wholeNumber(1, 525_600),
      about({ doc: 'How long a created media id waits for its file.', write: 'a number of minutes, at least 1' }),
    ),
    1_440,
  ),
  unauthenticated: v.optional(
    v.pipe(
      v.picklist(['frozen', 'open']),
      about({
        doc: 'Which media the unauthenticated endpoints from before Matrix 1.11 serve. `open` serves all media. `frozen` serves only media that were uploaded while this key was `open`.',
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
        doc: 'The sizes of thumbnails. A request gets the next larger size.',
        write: 'a list of up to 32 sizes such as 96x96',
      }),
    ),
    ['32x32', '96x96', '320x240', '320x320', '640x480', '640x640', '800x600'],
  ),
  image_pixels: v.optional(
    v.pipe(
      wholeNumber(1),
      about({
        doc: 'The largest number of pixels, counted over all frames, for which the server creates thumbnails.',
        write: 'a number of pixels',
      }),
    ),
    64_000_000,
  ),
  remote_kept_days: v.optional(
    v.pipe(
      wholeNumber(1, 36_500),
      about({
        doc: 'How long the server keeps a copy of a file from another server after the last download.',
        write: 'a number of days, at least 1',
      }),
    ),
    90,
  ),
  previews: v.optional(previews, {}),
});
