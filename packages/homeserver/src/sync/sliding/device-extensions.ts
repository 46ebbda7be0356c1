import { parseStreamToken, streamToken } from '../../timeline/position.ts';
import { deviceListNews, NO_DEVICE_LIST_NEWS } from '../device-lists.ts';
import { type DeviceSectionDeps, deviceListsText } from '../device-sections.ts';
import type { SlidingSyncBody } from './lists.ts';
import type { Range } from './room-span.ts';

/** The device that asks, and the range of the answer. */
export interface DeviceExtensionRequest {
  readonly user: number;
  readonly device: number;
  readonly body: SlidingSyncBody;
  readonly range: Range;
}

/** The members of `extensions` for the device, as JSON texts: they are told with every answer. */
export interface DeviceExtensions {
  readonly texts: readonly string[];
  readonly hasNews: boolean;
}

/** Messages to the device (MSC3885) and what concerns keys (MSC3884), as far as they are switched on. */
export async function deviceExtensions(
  deps: DeviceSectionDeps,
  request: DeviceExtensionRequest,
): Promise<DeviceExtensions> {
  const { to_device, e2ee } = request.body.extensions ?? {};
  const parts: DeviceExtensions[] = [];
  if (to_device?.enabled === true) parts.push(await toDevice(deps, request, to_device.since ?? undefined));
  if (e2ee?.enabled === true) parts.push(await keys(deps, request));
  return { texts: parts.flatMap(({ texts }) => texts), hasNews: parts.some(({ hasNews }) => hasNews) };
}

/** The extension has a token of its own, with which the client acknowledges what it got before. */
async function toDevice(
  { inbox }: DeviceSectionDeps,
  { device, range: { upTo } }: DeviceExtensionRequest,
  since: string | undefined,
): Promise<DeviceExtensions> {
  const after = since === undefined ? undefined : Math.min(parseStreamToken(since, 'since'), upTo);
  const { texts, through } = await inbox.receive(device, after, upTo);
  const next = streamToken(through ?? upTo);
  return { texts: [`"to_device":{"next_batch":"${next}","events":[${texts.join(',')}]}`], hasNews: texts.length > 0 };
}

async function keys(deps: DeviceSectionDeps, request: DeviceExtensionRequest): Promise<DeviceExtensions> {
  const { user, device, range } = request;
  const { since, upTo, rows } = range;
  const news = since === undefined ? NO_DEVICE_LIST_NEWS : await deviceListNews(deps, user, rows, { since, upTo });
  const lists = await deviceListsText(deps, news);
  const { syncText } = await deps.claimableKeys.stockOf(device);
  return { texts: [`"e2ee":{${`${lists}${syncText}`.slice(1)}}`], hasNews: lists !== '' };
}
