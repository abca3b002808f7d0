/**
 * A router in a host of its own: what the test puts on the wire comes in at vnf0 and goes on by out0. What the host
 * itself has to say (errors, answers) goes back by vnf0, so that all that leaves by out0 was forwarded. It broadcasts
 * nothing: of that the kernel takes in a copy at the same device.
 */
import { statSync } from "node:fs";
import { interfaceIndexIn } from "../../src/testbed/inside.ts";
import { ends4, ends6, Wire } from "./wire.ts";

const beyond = { v4: "10.78.0.0/16", v6: "fd78::/64" };
export const through4 = { ...ends4, to: "10.78.0.2" };
export const through6 = { ...ends6, to: "fd78::2" };

const lines = `
link add name out0 type veth peer name sink0
link set dev out0 arp off addrgenmode none
link set dev sink0 arp off addrgenmode none
link set dev vnf0 arp off
link set dev out0 up
link set dev sink0 up
route add ${beyond.v4} dev out0
-6 route add ${beyond.v6} dev out0
route del broadcast 10.77.0.255 dev vnf0 table local
rule add pref 1 iif lo lookup 99
-6 rule add pref 1 iif lo lookup 99
route add default dev vnf0 table 99
-6 route add default dev vnf0 table 99
`;

export class Router implements AsyncDisposable {
  readonly netns: number;
  readonly outIfindex: number;

  private constructor(readonly wire: Wire) {
    this.netns = statSync(wire.netns).ino;
    this.outIfindex = interfaceIndexIn(wire.netns, "out0");
  }

  static async open(): Promise<Router> {
    const wire = await Wire.open();
    for (const line of lines.trim().split("\n")) await wire.world.ip(...line.split(" "));
    // Up to 5.13 the network's own address is a broadcast, too; later there is no such route.
    await wire.world.run("ip route del broadcast 10.77.0.0 dev vnf0 table local".split(" "));
    // The far ends of both cables lie in this host, too, and shall have no say in it.
    for (const far of ["wire0", "sink0"]) {
      await wire.world.sysctl(`ipv6/conf/${far}/disable_ipv6`, 1);
    }
    await wire.world.sysctl("ipv6/conf/all/forwarding", 1);
    await wire.world.sysctl("ipv4/ip_forward", 1);
    for (const far of ["wire0", "sink0"]) await wire.world.sysctl(`ipv4/conf/${far}/forwarding`, 0);
    return new Router(wire);
  }

  /** Datagrams that the kernel says it has forwarded, by any device. */
  async forwarded(): Promise<number> {
    const text = await this.#read("/proc/self/net/snmp");
    const [names, values] = text
      .split("\n")
      .filter((line) => line.startsWith("Ip:"))
      .map((line) => line.split(" "));
    const v6 = /^Ip6OutForwDatagrams\s+(\d+)/m.exec(await this.#read("/proc/self/net/snmp6"));
    return Number(values[names.indexOf("ForwDatagrams")]) + Number(v6?.[1]);
  }

  /** Frames that the wire's end could not take in. */
  async dropped(): Promise<number> {
    const [link] = JSON.parse(await this.wire.world.ip("-s", "-j", "link", "show", "wire0"));
    return link.stats64.tx.dropped;
  }

  async #read(path: string): Promise<string> {
    return (await this.wire.world.run(["cat", path])).stdout;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.wire[Symbol.asyncDispose]();
  }
}
