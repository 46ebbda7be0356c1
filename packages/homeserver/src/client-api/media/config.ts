import { getConfig, getConfigAuthed } from '@hearth/api/client/media/config.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the routes of `GET /media/config` (client-server API, "Content repository"). */
export function mediaConfigRoutes(uploadBytesMax: number): Route[] {
  const answer = () => ({ 'm.upload.size': uploadBytesMax });
  return [route(getConfigAuthed, answer), route(getConfig, answer)];
}
