import { getUrlPreview, getUrlPreviewAuthed } from '@hearth/api/client/media/preview-url.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { Previews } from '../../media/previews/previews.ts';

/** Returns the routes of `GET /media/preview_url` (client-server API, "Content repository"). */
export function previewUrlRoutes(previews: Previews): Route[] {
  return [
    route(getUrlPreviewAuthed, async ({ query }) => new RawJson(await previews.get(query.url))),
    route(getUrlPreview, async ({ query }) => new RawJson(await previews.get(query.url))),
  ];
}
