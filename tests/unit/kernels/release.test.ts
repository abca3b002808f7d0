import { expect, test } from "bun:test";
import { supersededBy } from "../../kernels/kernel.ts";
import { compareVersions, type Release, releasesOf } from "../../kernels/series.ts";

const releases: Release[] = [
  { name: "6.1.0-9-cloud-amd64", version: "6.1.90-1" },
  { name: "6.1.0-56-cloud-amd64", version: "6.1.192-2" },
  { name: "6.12.95+deb12-cloud-amd64", version: "6.12.95-1~bpo12+1" },
  { name: "6.12.95+deb13-cloud-amd64", version: "6.12.95-1" },
  { name: "7.2.13+deb14-cloud-amd64", version: "7.2.13-1" },
  { name: "7.3-cloud-amd64", version: "7.3~rc7-1~exp1" },
];

const first = (series: string) => releasesOf(series, releases)[0]?.name;

test("a series means its newest kernel, and 6.1 is not 6.12", () => {
  expect(first("6.1")).toBe("6.1.0-56-cloud-amd64");
  expect(first("6.12")).toBe("6.12.95+deb13-cloud-amd64");
  expect(first("6")).toBe("6.12.95+deb13-cloud-amd64");
  expect(first("6.2")).toBeUndefined();
});

test("stable leaves candidates out, next takes them", () => {
  expect(first("stable")).toBe("7.2.13+deb14-cloud-amd64");
  expect(first("next")).toBe("7.3-cloud-amd64");
});

test("once a candidate is released it is next, and stable stays the series before it", () => {
  const released = { name: "7.3.4+deb13-cloud-amd64", version: "7.3.4-1~bpo13+1" };
  const later = [...releases, released];
  expect(releasesOf("next", later)[0]).toEqual(released);
  expect(releasesOf("stable", later)[0]?.name).toBe("7.2.13+deb14-cloud-amd64");
});

test("a full release or version is itself", () => {
  expect(first("6.1.0-9-cloud-amd64")).toBe("6.1.0-9-cloud-amd64");
  expect(first("6.12.95-1~bpo12+1")).toBe("6.12.95+deb12-cloud-amd64");
});

test("versions are ordered as Debian orders them", () => {
  const ordered = ["5.10.262-1", "6.1.9-1", "6.1.90-1~bpo1", "6.1.90-1", "6.1.90-1+b1", "6.1.90-2"];
  const candidates = ["7.3~rc2-1", "7.3~rc10-1", "7.3-1", "7.3.1-1"];
  const all = [...ordered, ...candidates];
  expect(all.toReversed().sort(compareVersions)).toEqual(all);
  expect(compareVersions("6.1.192-2", "6.1.192-2")).toBe(0);
});

test("a newer kernel takes the place of those of its series, and of itself with other modules", () => {
  const now = "6.1.0-56-cloud-amd64_6.1.192-2_b";
  const others = ["6.12.95+deb13-cloud-amd64_6.12.95-1_b", "7.3-cloud-amd64_7.3~rc7-1~exp1_b"];
  const superseded = ["6.1.0-55-cloud-amd64_6.1.190-1_b", "6.1.0-56-cloud-amd64_6.1.192-2_a"];
  expect(supersededBy(now, [...others, now, ...superseded])).toEqual(superseded);
});
