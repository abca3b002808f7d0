/** What ICMP errors and refused sends mean, in words. */
import { errnoName, errnoText } from "../kernel/libc.ts";

const unreachable4: Readonly<Record<number, string>> = {
  0: "network unreachable",
  1: "host unreachable",
  2: "protocol unreachable",
  3: "port unreachable",
  4: "fragmentation needed and DF set",
  5: "source route failed",
  6: "network unknown",
  7: "host unknown",
  9: "network administratively prohibited",
  10: "host administratively prohibited",
  11: "network unreachable for this TOS",
  12: "host unreachable for this TOS",
  13: "administratively prohibited (packet filtered)",
  14: "precedence violation",
  15: "precedence cut off",
};

const unreachable6: Readonly<Record<number, string>> = {
  0: "no route to destination",
  1: "administratively prohibited",
  2: "beyond scope of the source address",
  3: "address unreachable",
  4: "port unreachable",
  5: "source address failed the policy",
  6: "route to destination rejected",
};

const others4: Readonly<Record<string, string>> = {
  "4.0": "source quench",
  "11.0": "time to live exceeded on the way",
  "11.1": "time to put the fragments together exceeded",
  "12.0": "a header field is wrong",
};

const others6: Readonly<Record<string, string>> = {
  "2.0": "packet too big for the way",
  "3.0": "hop limit exceeded on the way",
  "3.1": "time to put the fragments together exceeded",
  "4.0": "a header field is wrong",
  "4.1": "unknown next header",
};

/** `host unreachable`; unknown ones by number. */
export function icmpMeaning(version: 4 | 6, type: number, code: number): string {
  const unreachable = version === 4 ? unreachable4 : unreachable6;
  const others = version === 4 ? others4 : others6;
  const isUnreachable = type === (version === 4 ? 3 : 1);
  const known = isUnreachable ? unreachable[code] : others[`${type}.${code}`];
  return known ?? `ICMP${version === 6 ? "v6" : ""} type ${type} code ${code}`;
}

const sendMeanings: Readonly<Record<string, string>> = {
  EMSGSIZE: "larger than the MTU of the way, and not to be fragmented",
  EPERM: "refused by this host's own packet filter",
  EACCES: "refused: a broadcast address or a prohibiting route",
  ENETUNREACH: "no route to it any more",
  EHOSTUNREACH: "host unreachable",
  ENETDOWN: "the interface is down",
  ENODEV: "the interface is gone",
  ENXIO: "the interface is gone",
  ENOBUFS: "the device's queue is full",
  EAFNOSUPPORT: "this kernel runs without that address family",
  EADDRNOTAVAIL: "no local address to send from",
  EINVAL: "the kernel cannot send there",
};

export function sendMeaning(errno: number): string {
  const name = errnoName(errno);
  return `not sent: ${sendMeanings[name] ?? errnoText(errno)} (${name})`;
}
