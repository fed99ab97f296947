const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @returns whether it is base64 with its padding and nothing else; Node would pass over what does not belong there */
export function isBase64(text: string): boolean {
  return BASE64.test(text);
}
