import type { ClaimableKeys } from '../encryption/claimable-keys.ts';
import type { Names } from '../storage/engine/names.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { Delivery, ToDeviceInbox } from '../to-device/inbox.ts';
import { type DeviceListDeps, type DeviceListNews, deviceListNews, NO_DEVICE_LIST_NEWS } from './device-lists.ts';

export interface DeviceSectionDeps extends DeviceListDeps {
  readonly names: Names;
  readonly claimableKeys: ClaimableKeys;
  readonly inbox: ToDeviceInbox;
}

export interface DeviceRange {
  readonly since: number | undefined;
  /** Up to where messages to the device have been delivered. */
  readonly toDevice: number | undefined;
  readonly upTo: number;
  readonly rows: ReadonlyMap<number, MembershipRow>;
}

/** The parts of an answer for the device itself: each only if there is news. */
export interface DeviceSections {
  readonly text: string;
  /** Up to where messages are in it, if there are more. */
  readonly through: number | undefined;
}

const NOTHING: DeviceSections = { text: '', through: undefined };

/** Messages to the device and changes of keys ("Extensions to /sync"); without a query when there is no news. */
export function deviceSections(
  deps: DeviceSectionDeps,
  { user, device }: { readonly user: number; readonly device: number },
  { since, toDevice, upTo, rows }: DeviceRange,
): DeviceSections | Promise<DeviceSections> {
  const delivery = deps.inbox.receive(device, toDevice, upTo);
  const news = since === undefined ? NO_DEVICE_LIST_NEWS : deviceListNews(deps, user, rows, { since, upTo });
  const isQuiet = !(delivery instanceof Promise) && delivery.texts.length === 0 && news === NO_DEVICE_LIST_NEWS;
  return isQuiet ? NOTHING : sections(deps, delivery, news);
}

async function sections(
  deps: DeviceSectionDeps,
  coming: Delivery | Promise<Delivery>,
  news: DeviceListNews | Promise<DeviceListNews>,
): Promise<DeviceSections> {
  const { texts, through } = await coming;
  const lists = await deviceListsText(deps, await news);
  const messages = texts.length > 0 ? `,"to_device":{"events":[${texts.join(',')}]}` : '';
  return { text: `${messages}${lists}`, through };
}

/** The member `device_lists` of an answer, with a comma in front; empty without news. */
export async function deviceListsText(
  { names }: DeviceSectionDeps,
  { changed, left }: DeviceListNews,
): Promise<string> {
  if (changed.size === 0 && left.size === 0) return '';
  const ids = await names.texts([...changed, ...left]);
  const list = (users: ReadonlySet<number>) => JSON.stringify([...users].map((user) => ids.get(user) ?? ''));
  return `,"device_lists":{"changed":${list(changed)},"left":${list(left)}}`;
}
