/** The iproute2 batch lines that make a laid-out testbed. */
import type { Addresses, Layout } from "./layout.ts";
import { formatPrefix } from "./prefix.ts";

/** Namespaces and devices; the first that fails tells that a name is taken. */
export function creation(layout: Layout): string[] {
  const { mtuBytes: mtu, macs, genNamespace, sinkNamespace, inDevice, outDevice } = layout;
  const pair = (name: string, mac: string, peer: string, peerMac: string, peerNamespace: string) =>
    `link add name ${name} address ${mac} mtu ${mtu} type veth ` +
    `peer name ${peer} address ${peerMac} mtu ${mtu} netns ${peerNamespace}`;
  return [
    `netns add ${genNamespace}`,
    `netns add ${sinkNamespace}`,
    pair(inDevice, macs.in, "gen", macs.gen, genNamespace),
    pair(outDevice, macs.out, "sink", macs.sink, sinkNamespace),
  ];
}

/** The host's ends, where the VNF runs. */
export function hostSetup(layout: Layout): string[] {
  const { inDevice, outDevice, macs } = layout;
  return [
    ...raise(inDevice, layout),
    ...raise(outDevice, layout),
    ...families(layout).flatMap((a) => [
      ...address(a.hostIn, a, inDevice),
      ...address(a.hostOut, a, outDevice),
      neighbour(a.gen, macs.gen, inDevice),
      // Nobody has the target's address: this entry alone makes its packets leave.
      neighbour(a.target, macs.sink, outDevice),
    ]),
  ];
}

/** The generator has an address of its own, so that a VNF can send back to it. */
export function genSetup(layout: Layout): string[] {
  return [
    "link set dev lo up",
    ...raise("gen", layout),
    ...families(layout).flatMap((a) => [
      ...address(a.gen, a, "gen"),
      neighbour(a.hostIn, layout.macs.in, "gen"),
      // For a VNF that is a router: what is meant for the sink goes through the host.
      `route add ${formatPrefix(a.sinkSubnet)} via ${a.hostIn}`,
    ]),
  ];
}

/**
 * The sink has no address. A packet for the target matches the blackhole route and dies without an
 * ICMP answer, forwarding switched on or not (ip_error() answers EHOSTUNREACH and ENETUNREACH only,
 * a blackhole gives EINVAL; for IPv6 the route's input is dst_discard()).
 */
export function sinkSetup(layout: Layout): string[] {
  return [
    ...raise("sink", layout),
    "route add blackhole default",
    ...(layout.ipv6 ? ["route add blackhole ::/0"] : []),
  ];
}

/**
 * Up, and silent: without ARP flag and multicast flag no IPv6 group is joined, hence no MLD report;
 * without a link-local address no router is solicited. The flags must be set before it goes up.
 */
function raise(device: string, { ipv6Devices }: Layout): string[] {
  return [
    `link set dev ${device} arp off multicast off`,
    ...(ipv6Devices ? [`link set dev ${device} addrgenmode none`] : []),
    `link set dev ${device} up`,
  ];
}

function families({ ipv4, ipv6 }: Layout): Addresses[] {
  return ipv6 ? [ipv4, ipv6] : [ipv4];
}

function address(text: string, { genSubnet }: Addresses, device: string): string[] {
  const option = genSubnet.family === 6 ? " nodad" : "";
  return [`address add ${text}/${genSubnet.length}${option} dev ${device}`];
}

function neighbour(address: string, mac: string, device: string): string {
  return `neighbour replace ${address} lladdr ${mac} dev ${device} nud permanent`;
}
