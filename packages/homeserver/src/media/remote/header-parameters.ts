const PARAMETER = /;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g;
const BOUNDARY = /^[\x20-\x7e]{0,199}[\x21-\x7e]$/;

/** Returns the parameters of a header, such as `Content-Type`, by their names in lower case. */
function headerParameters(value: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of value.matchAll(PARAMETER)) {
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain);
  }
  return parameters;
}

/** Returns the boundary of a multipart content type (RFC 2046, 5.1.1). Returns undefined for any other type. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !/^\s*multipart\//i.test(contentType)) return undefined;
  const boundary = headerParameters(contentType).get('boundary') ?? '';
  return BOUNDARY.test(boundary) ? boundary : undefined;
}

/** Returns the file name in a `Content-Disposition` (RFC 6266). A name in UTF-8 (RFC 8187) takes precedence. */
export function fileNameOf(disposition: string | undefined): string | undefined {
  const parameters = headerParameters(disposition ?? '');
  return decodeExtended(parameters.get('filename*')) ?? parameters.get('filename');
}

function decodeExtended(value: string | undefined): string | undefined {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(value ?? '') ?? [];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
