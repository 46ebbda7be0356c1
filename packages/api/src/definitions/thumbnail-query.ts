import * as v from 'valibot';
import { flag, natural } from '../query.ts';

const length = v.pipe(natural, v.minValue(1, 'must be at least 1'));

/** The query of requests for thumbnails, by clients and by servers (client-server API, "Thumbnails"). */
export const thumbnailQuery = v.object({
  width: length,
  height: length,
  method: v.optional(v.picklist(['crop', 'scale'], 'must be crop or scale')),
  animated: v.optional(flag),
  timeout_ms: v.optional(natural),
});
