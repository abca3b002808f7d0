import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authentication } from "../../../src/export/auth.ts";
import { parseAddress } from "../../../src/export/server.ts";
import { defaults, readConfig } from "../../../src/export/settings.ts";
import { readWeb } from "../../../src/export/webConfig.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, `${Bun.hash(text)}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe("the configuration file", () => {
  test("an empty one is the defaults", async () => {
    expect(await readConfig(file(""))).toEqual(defaults);
  });

  test("is read whole", async () => {
    const text =
      "max_series: 50\nexpire: 10m\ntcp:\n  by: subnet\n  prefix4: 16\n  local_ports: [80, 443]\nvnfs:\n  - port: 1234\n    name: nat\n";
    expect(await readConfig(file(text))).toEqual({
      ...defaults,
      max_series: 50,
      expire: 600e9,
      tcp: { ...defaults.tcp, by: "subnet", prefix4: 16, local_ports: [80, 443] },
      vnfs: [{ port: 1234, name: "nat" }],
    });
  });

  test("the same target by another kind or port is another one", async () => {
    const jobs = ["{targets: [a]}", ...[1, 2].map((n) => `{targets: [a], kind: tcp, port: ${n}}`)];
    const { probes } = await readConfig(file(`probes: [${jobs}]`));
    expect(probes.length).toBe(3);
  });

  test("says line and key of what is wrong", async () => {
    const cases: [string, RegExp][] = [
      ["max_series: 50\nmax_serie: 1\n", /line 2: max_serie: Unrecognized key/],
      ["tcp:\n  by: planet\n", /line 2: tcp\.by: /],
      ["tcp:\n  enabled: yes\n", /line 2: tcp\.enabled: /],
      ["vnfs:\n  - port: 1\n  - port: 70000\n", /line 3: vnfs\.1\.port: /],
      ["vnfs:\n  - port: 1\n  - port: 1\n", /line 3: vnfs\.1\.port: port 1 is there twice/],
      [
        "probes:\n  - targets: [a, b]\n  - targets:\n      - c\n      - b\n",
        /line 5: probes\.1\.targets\.1: icmp to b is there twice/,
      ],
      [
        "probes:\n  - {targets: [a], kind: tcp, port: 1}\n  - {targets: [a], kind: tcp, port: 1}\n",
        /line 3: probes\.1\.targets\.0: tcp to a:1 is there twice/,
      ],
      ["expire: soon\n", /line 1: expire: "soon" is not a duration/],
      ["expire: 1m\nexpire: 2m\n", /line 2: Map keys must be unique/],
      ["tcp: [\n", /line \d: /],
      ["- 1\n", /the file: /],
    ];
    for (const [text, wanted] of cases) {
      await expect(readConfig(file(text))).rejects.toThrow(wanted);
    }
    await expect(readConfig(join(folder, "none"))).rejects.toThrow(/ENOENT/);
  });

  test("the web file: users need bcrypt hashes, files must be there", async () => {
    await expect(readWeb(file("basic_auth_users:\n  a: plain\n"))).rejects.toThrow(
      /line 2: basic_auth_users\.a: is no bcrypt hash/,
    );
    await expect(
      readWeb(file("tls_server_config:\n  cert_file: c.pem\n  key_file: k.pem\n")),
    ).rejects.toThrow(/c\.pem.*\n.*ENOENT/);
  });
});

describe("basic authentication", () => {
  const header = (user: string, password: string) => `Basic ${btoa(`${user}:${password}`)}`;

  test("lets in who knows the password, and nobody else", async () => {
    const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
    const authentication = new Authentication(new Map([["a", hash]]));
    const judge = (text: string | null) => authentication.judge(text, "10.0.0.1");
    expect(await judge(header("a", "right"))).toBe("welcome");
    expect(await judge(header("a", "right"))).toBe("welcome");
    for (const text of [
      null,
      "",
      "Basic",
      "Basic !!!",
      "Bearer x",
      header("a", "wrong"),
      header("b", "right"),
      header("a", ""),
      header("", "right"),
    ]) {
      expect([text, await judge(text)]).toEqual([text, "unknown"]);
    }
  });

  test("too many wrong passwords from one place lock that place out, no other", async () => {
    const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
    const authentication = new Authentication(new Map([["a", hash]]));
    for (let i = 0; i < 10; i++) await authentication.judge(header("a", `${i}`), "10.0.0.1");
    expect(await authentication.judge(header("a", "right"), "10.0.0.1")).toBe("too many");
    expect(await authentication.judge(header("a", "right"), "10.0.0.2")).toBe("welcome");
  });

  test("guesses that come at the same moment are no more than those that come in turn", async () => {
    const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
    const authentication = new Authentication(new Map([["a", hash]]));
    const guess = (n: number) => authentication.judge(header("a", `${n}`), "10.0.0.1");
    let tried = 0;
    for (let round = 0; round < 5; round++) {
      const all = Array.from({ length: 100 }, (_, i) => guess(round * 100 + i));
      const verdicts = await Promise.all(all);
      tried += verdicts.filter((verdict) => verdict === "unknown").length;
    }
    expect(tried).toBe(10);
  });

  test("the right password, sent many times at once, is right each time", async () => {
    const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
    const authentication = new Authentication(new Map([["a", hash]]));
    const ask = () => authentication.judge(header("a", "right"), "10.0.0.1");
    expect(new Set(await Promise.all(Array.from({ length: 100 }, ask)))).toEqual(
      new Set(["welcome"]),
    );
    for (let i = 0; i < 20; i++) expect(await ask()).toBe("welcome");
  });

  test("addresses of one IPv6 network are one place, those that IPv4 is mapped to are not", async () => {
    const hash = await Bun.password.hash("right", { algorithm: "bcrypt", cost: 4 });
    const authentication = new Authentication(new Map([["a", hash]]));
    const judge = (password: string, from: string) =>
      authentication.judge(header("a", password), from);
    for (let i = 0; i < 10; i++) await judge(`${i}`, `2001:db8:0:1::${i}`);
    for (const from of ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::"]) {
      expect([from, await judge("right", from)]).toEqual([from, "too many"]);
    }
    for (let i = 0; i < 10; i++) await judge(`${i}`, "::ffff:10.0.0.1");
    expect(await judge("right", "10.0.0.1")).toBe("too many");
    for (const from of ["2001:db8::1", "2001:db8:0:2::1", "::1", "::ffff:10.0.0.2"]) {
      expect([from, await judge("right", from)]).toEqual([from, "welcome"]);
    }
  });

  test("other users from now on: who has passed before does not any more", async () => {
    const hash = (word: string) => Bun.password.hash(word, { algorithm: "bcrypt", cost: 4 });
    const authentication = new Authentication(new Map([["a", await hash("old")]]));
    const judge = (password: string) => authentication.judge(header("a", password), "10.0.0.1");
    expect(await judge("old")).toBe("welcome");
    const late = judge("old too");
    authentication.users = new Map([["a", await hash("new")]]);
    expect(await late).toBe("unknown");
    expect(await judge("old")).toBe("unknown");
    expect(await judge("new")).toBe("welcome");
  });
});

test("addresses to listen on", () => {
  expect(parseAddress("127.0.0.1:19435")).toEqual({ hostname: "127.0.0.1", port: 19_435 });
  expect(parseAddress(":0")).toEqual({ hostname: "::", port: 0 });
  expect(parseAddress("[::1]:80")).toEqual({ hostname: "::1", port: 80 });
  for (const text of ["", "19435", "a:b", "::1:80", "1.2.3.4:70000", "[::1]"]) {
    expect(() => parseAddress(text)).toThrow("is no address to listen on");
  }
});
