import { Exit, type ExitCode, usageError } from "../../base/errors.ts";
import { print } from "../../base/output.ts";
import { formatCount } from "../../base/units.ts";
import { deviceNamed } from "../../kernel/device.ts";
import { setNetns } from "../../kernel/libc.ts";
import { Reflector, stampPort } from "../../probes/active/reflector.ts";
import { json } from "../../sinks/json.ts";
import { requireCapabilities } from "./capabilities.ts";

interface Given {
  readonly hosts: readonly string[];
  readonly interface: string | undefined;
  readonly udp: number | undefined;
  readonly netns: string | undefined;
  readonly duration: number | undefined;
  readonly format: string;
  readonly quiet: boolean;
}

/** Answers probes at a device until it is stopped. */
export async function reflect(given: Given, stop: AbortSignal): Promise<ExitCode> {
  if (given.interface === undefined) {
    throw usageError("--reflect needs the device to answer at", "for example --interface eth0");
  }
  if (given.hosts.length > 0) {
    throw usageError("--reflect answers, it probes nobody", "leave the hosts out");
  }
  requireCapabilities();
  if (given.netns !== undefined) setNetns(given.netns);
  const device = deviceNamed(given.interface);
  const port = given.udp ?? stampPort;
  using reflector = new Reflector(device, port);
  const isTable = given.format === "table";
  if (isTable && !given.quiet) {
    print(
      `REFLECT ${device.name}, ${reflector.mode} XDP: komon's ICMP probes, STAMP at UDP port ${port}\n`,
    );
  }
  const endsAt = performance.now() + (given.duration ?? Number.POSITIVE_INFINITY) / 1e6;
  while (!stop.aborted && performance.now() < endsAt) {
    const left = Math.min(1000, endsAt - performance.now());
    await Promise.race([Bun.sleep(left), stopped(stop)]);
    reflector.refresh();
  }
  const counters = reflector.counters();
  if (isTable) {
    const { icmp, udp, foreign } = counters;
    print(
      `${formatCount(icmp)} ICMP and ${formatCount(udp)} UDP probes answered; ` +
        `${formatCount(foreign)} packets were not for it and went on\n`,
    );
  } else print(json({ schema: "komon.reflect/1", ...{ device: device.name, port, ...counters } }));
  return Exit.done;
}

function stopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
}
