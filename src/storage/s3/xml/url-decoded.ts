/**
 * A key or prefix as it is, of a listing that was asked for with `encoding-type=url`. Stores write a space as `+` or as
 * `%20`, and a plus always as `%2B`.
 */
export function urlDecoded(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // Not encoded after all, or bytes that are no UTF-8: such a key cannot be one of a registry.
    return text;
  }
}
