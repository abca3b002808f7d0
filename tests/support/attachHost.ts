import type { Said } from "./komon.ts";
import { World } from "./world.ts";

/** Where the pins of a port are, in a folder of its number. */
export const PINS = "/sys/fs/bpf/komon";

/** A host that has no BPF file system yet, on which a test attaches. */
export class AttachHost implements AsyncDisposable {
  private constructor(readonly world: World) {}

  static async open(): Promise<AttachHost> {
    const host = new AttachHost(await World.open());
    // What the world has inherited.
    while ((await host.bpfMounts()) > 0) {
      const { code, stderr } = await host.world.run(["umount", "/sys/fs/bpf"]);
      if (code !== 0) throw new Error(stderr);
    }
    return host;
  }

  async bpfMounts(): Promise<number> {
    const { stdout } = await this.world.run(["cat", "/proc/self/mounts"]);
    return stdout.split("\n").filter((line) => line.split(" ")[2] === "bpf").length;
  }

  /** Ends with the `using` that holds it. */
  async attach(port: number, ...words: string[]) {
    const said = await this.world.komon("attach", "--port", `${port}`, ...words);
    if (said.code !== 0) throw new Error(said.stderr);
    const end = (): Promise<Said> => this.world.komon("detach", "--port", `${port}`);
    return { end, [Symbol.asyncDispose]: async () => void (await end()) };
  }

  ctl(port: number, ...words: string[]): Promise<Said> {
    return this.world.komon("ctl", "--port", `${port}`, ...words);
  }

  async cat(port: number): Promise<string> {
    const { stdout } = await this.world.run(["cat", `${PINS}/${port}/vnfinfo_udp`]);
    return stdout;
  }

  /** What it shows once the packets that were sent have come through. */
  async shows(port: number, wanted: RegExp | string): Promise<string> {
    for (;;) {
      const text = await this.cat(port);
      if (typeof wanted === "string" ? text === wanted : wanted.test(text)) return text;
      await Bun.sleep(5);
    }
  }

  async load(port: number, count: number, pps = "5k"): Promise<void> {
    const to = `127.0.0.1:${port}`;
    const said = await this.world.komon("load", to, "--count", `${count}`, "--pps", pps);
    if (said.code !== 0) throw new Error(said.stderr);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }
}
