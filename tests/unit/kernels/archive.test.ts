import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archive, type Entry, writeArchives } from "../../kernels/cpio.ts";
import { dependencies, loadOrder } from "../../kernels/modules.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

interface Read {
  readonly path: string;
  readonly mode: number;
  readonly data: string;
  readonly inode: number;
}

/** A reader written from the format's description, not from the writer. */
function read(archived: Uint8Array): Read[] {
  const text = Buffer.from(archived).toString("latin1");
  const found: Read[] = [];
  for (let at = 0; at < text.length; ) {
    expect(text.slice(at, at + 6)).toBe("070701");
    const field = (index: number) =>
      Number.parseInt(text.slice(at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [inode, mode, size, nameSize] = [field(0), field(1), field(6), field(11)];
    const name = at + 110;
    const data = align(name + nameSize);
    expect(text[name + nameSize - 1]).toBe("\0");
    const path = text.slice(name, name + nameSize - 1);
    found.push({ path, mode, data: text.slice(data, data + size), inode });
    at = align(data + size);
  }
  return found;
}

function align(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}

function archived(entries: Entry[]): Uint8Array {
  return Buffer.concat([...archive(entries)]);
}

test("an archive holds directories before what is in them, and ends in the trailer", () => {
  const entries = read(archived([{ path: "/usr/bin/x", data: bytes("hello"), mode: 0o755 }]));
  expect(entries.map(({ path }) => path)).toEqual(["usr", "usr/bin", "usr/bin/x", "TRAILER!!!"]);
  expect(entries.map(({ mode }) => mode.toString(8))).toEqual(["40755", "40755", "100755", "0"]);
  expect(entries[2].data).toBe("hello");
});

test("links carry their target, empty files and names of any length keep the alignment", () => {
  const names = ["a", "bb", "ccc", "dddd", "eeeee"];
  const entries = read(
    archived([
      { path: "bin/sh", link: "dash" },
      ...names.map((path, size) => ({ path, data: bytes("x".repeat(size)) })),
    ]),
  );
  expect(entries.find(({ path }) => path === "bin/sh")).toMatchObject({
    mode: 0o120777,
    data: "dash",
  });
  expect(names.map((name) => entries.find(({ path }) => path === name)?.data)).toEqual([
    "",
    "x",
    "xx",
    "xxx",
    "xxxx",
  ]);
  const inodes = entries.slice(0, -1).map(({ inode }) => inode);
  expect(new Set(inodes).size).toBe(inodes.length);
});

test("archives one after the other stay aligned", () => {
  const directory = mkdtempSync(join(tmpdir(), "komon-archive-"));
  try {
    const file = join(directory, "initrd");
    const one = (path: string) => archive([{ path, data: bytes(path) }]);
    writeArchives(file, [one("a"), one("bb"), one("ccc")]);
    const paths = read(readFileSync(file)).map(({ path }) => path);
    expect(paths).toEqual(["a", "TRAILER!!!", "bb", "TRAILER!!!", "ccc", "TRAILER!!!"]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("modules are loaded after those they need, each once, unknown ones left out", async () => {
  const needs: Record<string, string> = { veth: "", act: "cls,core", cls: "core", core: "" };
  const module = (name: string) =>
    bytes(`ELF\0license=GPL\0depends=${needs[name]}\0name=${name}\0`);
  const order = await loadOrder(["act", "veth", "builtin", "cls"], async (name) =>
    name in needs ? module(name) : undefined,
  );
  expect([...order.keys()]).toEqual(["core", "cls", "act", "veth"]);
  expect(dependencies(bytes("ELF\0softdepends=x\0"))).toEqual([]);
});
