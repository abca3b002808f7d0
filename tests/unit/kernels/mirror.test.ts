import { expect, test } from "bun:test";
import { hostMirror, sourceList } from "../../kernels/mirror.ts";

const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";

test("the mirror of stanzas: comments, several suites, a key of its own", () => {
  const file = `Types: deb deb-src
# http://elsewhere.example/debian
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /etc/keys/own.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;
  expect(hostMirror([file])).toEqual({
    archive: "http://mirror.example/debian",
    security: "http://mirror.example/debian-security",
    signedBy: "/etc/keys/own.gpg",
  });
});

test("the mirror of one-line sources, with and without options", () => {
  const file = `# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/keys/x.gpg] https://user:secret@a.example/debian bookworm main
deb https://security.example/debian-security bookworm-security main non-free
`;
  expect(hostMirror([file])).toEqual({
    archive: "https://user:secret@a.example/debian",
    security: "https://security.example/debian-security",
    signedBy: "/etc/keys/x.gpg",
  });
});

test("sources that are not Debian's archive are passed over", () => {
  const other = `Types: deb
URIs: https://packages.example/node
Suites: nodistro
Components: main

deb [signed-by=/x.gpg] https://packages.example/cloud-sdk cloud-sdk main
deb-src http://mirror.example/debian bookworm main
`;
  expect(hostMirror([other])).toEqual({
    archive: "http://deb.debian.org/debian",
    security: "http://deb.debian.org/debian-security",
    signedBy: keys,
  });
});

test("a mirror list of a cloud image stays one", () => {
  const file = `Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: bookworm
Components: main
`;
  expect(hostMirror([file]).archive).toBe("mirror+file:///etc/apt/mirrors/debian.list");
});

test("the list names the suites that have kernels, security from its own place", () => {
  const lines = sourceList({ archive: "http://a", security: "http://s", signedBy: keys })
    .trimEnd()
    .split("\n");
  expect(lines).toContain(`deb [arch=amd64 signed-by=${keys}] http://a trixie-backports main`);
  expect(lines).toContain(`deb [arch=amd64 signed-by=${keys}] http://s bullseye-security main`);
});
