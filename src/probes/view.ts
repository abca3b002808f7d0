import { type MappedMemory, unmap } from "../kernel/map.ts";

/** What can be mapped: a map of an object that komon loaded, or one that was pinned. */
export interface Mappable {
  map(): MappedMemory;
}

/** A probe's map as JavaScript sees it: mapped once, read without system calls. */
export class View implements Disposable {
  protected readonly memory: MappedMemory;
  protected readonly view: DataView;

  constructor(map: Mappable) {
    this.memory = map.map();
    this.view = new DataView(this.memory.buffer);
  }

  [Symbol.dispose](): void {
    unmap(this.memory);
  }
}
