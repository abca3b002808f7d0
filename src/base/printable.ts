/**
 * Text of others (process names, file and host names, what a tool said) on a terminal. Control characters and marks
 * that turn the direction of writing could move the cursor, hide lines or answer in the user's name.
 */

/** Without `keep`: also line feeds and tabs are shown as `\n`, `\t`. */
export function printable(text: string, keep = ""): string {
  return text.replace(unsafe, (character) =>
    keep.includes(character) ? character : shown(character),
  );
}

/** C0 and C1 controls, DEL, line separators, direction marks, halves of surrogate pairs. */
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function shown(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return (
    short[character] ?? (code < 256 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`)
  );
}
