import { expect } from "bun:test";

/** Fails unless every element is closed in order. Returns all tags. */
export function tags(markup: string): string[] {
  const open: string[] = [];
  const all: string[] = [];
  const voids = ["meta", "!doctype"];
  for (const [, slash, name, attributes] of markup.matchAll(
    /<(\/?)([a-z!0-9]+)((?:"[^"]*"|[^">])*)>/g,
  )) {
    all.push(name + attributes);
    if (slash) expect(open.pop()).toBe(name);
    else if (!attributes.endsWith("/") && !voids.includes(name)) open.push(name);
  }
  expect(open).toEqual([]);
  return all;
}
