import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Exporting } from "../support/exporter.ts";
import { samplesOf } from "../support/prometheus.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(120_000); // what cannot be probed is tried again every ten seconds

const address = "127.0.0.1:19435";
const base = `http://${address}`;

/** A komon in a network of its own, and its pages. */
class Inside implements AsyncDisposable {
  private constructor(
    readonly world: World,
    readonly exporting: Exporting,
    readonly config: string,
  ) {}

  static async start(text: string, prepare: string, ...words: string[]): Promise<Inside> {
    const world = await World.open();
    const config = `/proc/${world.pid}/root/tmp/komon.yaml`;
    writeFileSync(config, text);
    expect(await world.run(["sh", "-ec", prepare])).toMatchObject({ code: 0, stderr: "" });
    const exporting = await Exporting.startBy(
      world.command([]),
      ...["--no-tcp", "--web.listen-address", address, "--config.file", "/tmp/komon.yaml"],
      ...words,
    );
    return new Inside(world, exporting, config);
  }

  async samples(): Promise<Map<string, number>> {
    const ask = `process.stdout.write(await (await fetch("${base}/metrics")).text())`;
    return samplesOf((await this.world.run([process.execPath, "-e", ask])).stdout);
  }

  async value(key: string): Promise<number> {
    return (await this.samples()).get(key) ?? 0;
  }

  /** Until a counter has gone on by so many. */
  async goesOn(key: string, by = 2): Promise<void> {
    const before = await this.value(key);
    while ((await this.value(key)) < before + by) await Bun.sleep(50);
  }

  async sh(line: string): Promise<void> {
    expect(await this.world.run(["sh", "-ec", line])).toMatchObject({ code: 0, stderr: "" });
  }

  async reload(text: string): Promise<string> {
    writeFileSync(this.config, text);
    const ask = `const r = await fetch("${base}/-/reload", {method: "POST"}); console.log(r.status, await r.text())`;
    return (await this.world.run([process.execPath, "-e", ask])).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.exporting[Symbol.asyncDispose]();
    await this.world[Symbol.asyncDispose]();
  }
}

const of = (name: string, kind: string, target: string) =>
  `komon_probe_${name}_total{kind="${kind}",target="${target}"}`;

/** A network where a host takes all and says nothing. */
const hole = (device: string, address: string, host: string) =>
  `ip link add ${device} type veth peer name ${device}p; ip addr add ${address} dev ${device}
   ip link set ${device} up; ip link set ${device}p up
   ip neigh add ${host} lladdr 02:00:00:00:00:09 dev ${device}`;

describe("probes of the configuration", () => {
  test("two jobs of one kind are two series, and the end of one leaves the other's counters", async () => {
    const two = `probes:
  - {targets: [192.0.2.1], kind: tcp, port: 1}
  - {targets: [192.0.2.1, "2001:db8::1"], kind: tcp, port: 2}\n`;
    const prepare = `ip addr add 192.0.2.1/32 dev lo; ip addr add 2001:db8::1/128 dev lo`;
    await using inside = await Inside.start(two, prepare);
    for (const target of ["192.0.2.1:1", "192.0.2.1:2", "[2001:db8::1]:2"]) {
      await inside.goesOn(of("answers", "tcp", target));
    }
    const matched = 'komon_probe_hook_events_total{kind="tcp",event="matched"}';
    const page = await inside.samples();
    expect([...page.keys()].filter((key) => key === matched).length).toBe(1);
    const before = await inside.value(matched);
    expect(before).toBeGreaterThan(0);
    expect(await inside.reload("probes: [{targets: [192.0.2.1], kind: tcp, port: 1}]")).toStartWith(
      "200",
    );
    expect(await inside.value(matched)).toBeGreaterThanOrEqual(before);
    await inside.goesOn(matched);
    const names = [...(await inside.samples()).keys()].filter((key) => key.includes("_answers_"));
    expect(names).toEqual([of("answers", "tcp", "192.0.2.1:1")]);
  });

  test("a reload keeps the counters of each target that is still named", async () => {
    const one = "probes: [{targets: [127.0.0.1]}]";
    await using inside = await Inside.start(one, "true");
    const answers = of("answers", "icmp", "127.0.0.1");
    await inside.goesOn(answers, 3);
    const before = await inside.value(answers);
    expect(await inside.reload('probes: [{targets: [127.0.0.1, "::1"]}]')).toStartWith("200");
    expect(await inside.value(answers)).toBeGreaterThanOrEqual(before);
    await inside.goesOn(of("answers", "icmp", "::1"));
    await inside.goesOn(answers);
  });

  test("after --user a probe that cannot be opened fails the reload, and the old ones go on", async () => {
    const one = "probes: [{targets: [127.0.0.1]}]";
    await using inside = await Inside.start(one, "true", "--user", "nobody");
    const said = await inside.reload('probes: [{targets: [127.0.0.1, "::1"]}]');
    expect(said).toStartWith("500 ");
    await inside.goesOn(of("answers", "icmp", "127.0.0.1"));
    expect([...(await inside.samples()).keys()].join()).not.toContain("::1");
  });

  test("no name, no way, no interface: counted, and probed once there is one", async () => {
    const config = `probes:
  - {targets: [late.example, 198.51.100.1, 203.0.113.9], interval: 1s, timeout: 1s}\n`;
    const device = hole("d1", "203.0.113.1/24", "203.0.113.9");
    const prepare = `cp /etc/hosts /tmp/hosts; mount --bind /tmp/hosts /etc/hosts; ${device}`;
    await using inside = await Inside.start(config, prepare);
    await inside.exporting.said(/cannot probe late\.example: /);
    await inside.exporting.said(/cannot probe 198\.51\.100\.1: no route/);
    for (const target of ["late.example", "198.51.100.1"]) {
      expect(await inside.value(of("errors", "icmp", target))).toBeGreaterThan(0);
    }
    const lost = of("lost", "icmp", "203.0.113.9"); // nobody is there
    await inside.goesOn(lost);
    await inside.sh(
      "echo 127.0.0.2 late.example >> /etc/hosts; ip addr add 198.51.100.1/32 dev lo",
    );
    await inside.sh("ip link del d1");
    const errors = of("errors", "icmp", "203.0.113.9");
    await inside.goesOn(errors, 1);
    await inside.sh(device);
    for (const target of ["late.example", "198.51.100.1"]) {
      await inside.goesOn(of("answers", "icmp", target));
    }
    await inside.goesOn(lost);
    expect(await inside.exporting.stop()).toBe(0);
  });

  test("it is not ready before its targets have been looked for", async () => {
    // A name server that is there and says nothing.
    const prepare = `${hole("d0", "192.0.2.1/24", "192.0.2.53")}
      printf 'nameserver 192.0.2.53\\noptions timeout:2 attempts:1\\n' > /tmp/resolv
      mount --bind /tmp/resolv "$(realpath /etc/resolv.conf)"`;
    await using world = await World.open();
    expect(await world.run(["sh", "-ec", prepare])).toMatchObject({ code: 0, stderr: "" });
    writeFileSync(`/proc/${world.pid}/root/tmp/komon.yaml`, "probes: [{targets: [x.example]}]");
    const watch = `let codes = []
      while (codes.at(-1) !== 200) {
        const r = await fetch("${base}/-/ready").catch(() => undefined)
        if (r && r.status !== codes.at(-1)) codes.push(r.status)
        await Bun.sleep(10)
      }
      console.log(codes.join(" "))`;
    const codes = world.run([process.execPath, "-e", watch]);
    await using exporting = await Exporting.startBy(
      world.command([]),
      ...["--no-tcp", "--web.listen-address", address, "--config.file", "/tmp/komon.yaml"],
    );
    expect((await codes).stdout).toBe("503 200\n");
    await exporting.said(/cannot probe x\.example/);
  });
});
