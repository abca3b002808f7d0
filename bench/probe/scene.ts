import { availableParallelism } from "node:os";

/** Both cores busy, as long as it is open. */
export class Stress implements AsyncDisposable {
  readonly #children: Bun.Subprocess[];

  constructor(processes = availableParallelism()) {
    this.#children = Array.from({ length: processes }, () =>
      Bun.spawn(["sh", "-c", "while :; do :; done"], { stdio: ["ignore", "ignore", "inherit"] }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map(({ exited }) => exited));
  }
}
