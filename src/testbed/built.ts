import { KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { CounterReader, type Counters } from "./counters.ts";
import type { Device, Testbed, TestbedFacts } from "./facts.ts";
import { inNamespace } from "./inside.ts";
import { runIp } from "./ip.ts";
import { tuneIpv6 } from "./ipv6.ts";
import type { Layout } from "./layout.ts";
import { testbedError } from "./permit.ts";
import type { Entry } from "./registry.ts";
import { describeResource, removeResources } from "./resource.ts";
import { genSetup, hostSetup, sinkSetup } from "./script.ts";

const READY_WITHIN_MS = 5000;

/** A testbed whose namespaces and devices exist; start() gives it addresses and waits for its links. */
export class BuiltTestbed implements Testbed {
  readonly id: string;
  readonly mtuBytes: number;
  readonly genNamespace: string;
  readonly sinkNamespace: string;
  readonly gen4: string;
  readonly hostIn4: string;
  readonly hostOut4: string;
  readonly target4: string;
  readonly gen6: string | undefined;
  readonly hostIn6: string | undefined;
  readonly hostOut6: string | undefined;
  readonly target6: string | undefined;
  inDevice: Device;
  outDevice: Device;
  readonly #layout: Layout;
  readonly #entry: Entry;
  #reader: CounterReader | undefined;
  #open = true;
  readonly #onExit = (): void => this.close();

  constructor(layout: Layout, entry: Entry) {
    this.id = layout.id;
    this.mtuBytes = layout.mtuBytes;
    this.genNamespace = layout.genNamespace;
    this.sinkNamespace = layout.sinkNamespace;
    this.gen4 = layout.ipv4.gen;
    this.hostIn4 = layout.ipv4.hostIn;
    this.hostOut4 = layout.ipv4.hostOut;
    this.target4 = layout.ipv4.target;
    this.gen6 = layout.ipv6?.gen;
    this.hostIn6 = layout.ipv6?.hostIn;
    this.hostOut6 = layout.ipv6?.hostOut;
    this.target6 = layout.ipv6?.target;
    this.inDevice = { name: layout.inDevice, ifindex: 0 };
    this.outDevice = { name: layout.outDevice, ifindex: 0 };
    this.#layout = layout;
    this.#entry = entry;
    process.on("exit", this.#onExit);
  }

  async start(): Promise<void> {
    const { genNamespace, sinkNamespace, inDevice, outDevice, ipv6 } = this.#layout;
    if (ipv6) {
      for (const device of [inDevice, outDevice]) tuneIpv6(device);
      inNamespace(genNamespace, () => tuneIpv6("gen"));
      inNamespace(sinkNamespace, () => tuneIpv6("sink"));
    }
    // The host's ends first: the end that goes up second finds its link ready.
    await configure(hostSetup(this.#layout));
    await Promise.all([
      configure(genSetup(this.#layout), genNamespace),
      configure(sinkSetup(this.#layout), sinkNamespace),
    ]);
    this.#reader = new CounterReader(this.#layout);
    await this.#linksReady();
    this.#entry.describe(this.#facts());
  }

  counters(): Counters {
    if (!this.#reader) throw new Error("the testbed is closed");
    return this.#reader.read();
  }

  keep(): void {
    this.#entry.keep();
    this.#letGo();
  }

  close(): void {
    if (!this.#open) return;
    this.#letGo();
    const left = removeResources(this.#entry.resources).filter(({ kept }) => kept !== undefined);
    for (const { resource, kept } of left) {
      log.warn(`could not remove ${describeResource(resource)}: ${kept}`);
    }
    if (left.length === 0) this.#entry.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #letGo(): void {
    this.#open = false;
    this.#reader?.[Symbol.dispose]();
    this.#reader = undefined;
    process.off("exit", this.#onExit);
  }

  /**
   * The kernel switches a link on a moment after both its ends are up (linkwatch); until then the
   * end that was first has no queue ("noop") and drops what it is to send.
   */
  async #linksReady(): Promise<void> {
    const names = [this.inDevice.name, this.outDevice.name];
    const started = performance.now();
    for (;;) {
      const { stdout } = await runIp(
        names.map((name) => `link show dev ${name}`),
        { json: true },
      );
      const links = stdout
        .split("\n")
        .filter((line) => line.trim() !== "")
        .flatMap((line) => JSON.parse(line) as LinkState[]);
      const [inLink, outLink] = names.map((name) => links.find((link) => link.ifname === name));
      if (inLink && outLink && [inLink, outLink].every(isReady)) {
        this.inDevice = { name: inLink.ifname, ifindex: inLink.ifindex };
        this.outDevice = { name: outLink.ifname, ifindex: outLink.ifindex };
        return;
      }
      if (performance.now() - started > READY_WITHIN_MS) throw notReady(this.id, links);
      await Bun.sleep(1);
    }
  }

  #facts(): TestbedFacts {
    const { id, mtuBytes, genNamespace, sinkNamespace, inDevice, outDevice } = this;
    const { gen4, hostIn4, hostOut4, target4, gen6, hostIn6, hostOut6, target6 } = this;
    return {
      ...{ id, mtuBytes, genNamespace, sinkNamespace, inDevice, outDevice },
      ...{ gen4, hostIn4, hostOut4, target4, gen6, hostIn6, hostOut6, target6 },
    };
  }
}

interface LinkState {
  readonly ifname: string;
  readonly ifindex: number;
  readonly operstate?: string;
  readonly qdisc?: string;
}

function isReady({ operstate, qdisc }: LinkState): boolean {
  return operstate === "UP" && qdisc !== "noop";
}

function notReady(id: string, links: readonly LinkState[]): KomonError {
  const states = links.map(({ ifname, operstate, qdisc }) => `${ifname} ${operstate} ${qdisc}`);
  return new KomonError({
    what: `testbed ${id}: its links do not come up`,
    why: `after ${READY_WITHIN_MS / 1000} s: ${states.join(", ") || "the devices are gone"}`,
    mend: "see whether a network manager of this host takes them over (names kmn*)",
  });
}

async function configure(lines: readonly string[], namespace?: string): Promise<void> {
  const { failures } = await runIp(lines, namespace ? { namespace } : {});
  for (const [index, said] of failures) throw testbedError(said, lines[index] ?? "-batch");
}
