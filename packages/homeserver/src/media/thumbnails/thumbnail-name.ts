/** Returns the file name of a thumbnail by its content type. */
export function thumbnailName(contentType: string): string {
  return `thumbnail.${contentType.slice('image/'.length)}`;
}
