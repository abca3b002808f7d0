import { type Device, device } from "../kernel/device.ts";

const lookEachNs = 1e9;

/** Are the devices still there? Asked once a second, and at once when sends fail. */
export class DeviceWatch {
  /** Names of those that went away. */
  readonly removed = new Set<string>();
  readonly #devices: readonly Device[];
  #lookedNs = 0;

  constructor(devices: readonly Device[]) {
    this.#devices = devices;
  }

  /** Makes the next {@link look} a real one. */
  hurry(): void {
    this.#lookedNs = 0;
  }

  /** Tells of each device that has gone since; false when it is not yet time. */
  look(nowNs: number, gone: (device: Device) => void): boolean {
    if (nowNs - this.#lookedNs < lookEachNs) return false;
    this.#lookedNs = nowNs;
    for (const one of this.#devices) {
      if (this.removed.has(one.name) || device(one.ifindex)) continue;
      this.removed.add(one.name);
      gone(one);
    }
    return true;
  }
}
