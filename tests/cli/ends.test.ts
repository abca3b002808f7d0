/** How a command ends: exit codes, signals, a closed stdout, a full disk. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { run, type Said, top } from "../support/komon.ts";

const fixture = [process.execPath, join(import.meta.dir, "fixtures/command.ts")];
const end = (...words: string[]) => run([...fixture, ...words]);
const bash = (script: string) => run(["bash", "-c", script, "bash", ...fixture]);

describe("exit codes", () => {
  test("0 for done, and nothing is said", async () => {
    expect(await end("done")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("1 for incomplete", async () => {
    expect((await end("incomplete")).code).toBe(1);
  });

  test("2 for wrong use, on stderr", async () => {
    expect(await end("done", "--linse", "3")).toEqual({
      code: 2,
      stdout: "",
      stderr: "error: komon fixture has no flag --linse\n  mend: did you mean --lines?\n",
    });
  });

  test("3 for what the machine cannot do, with why and mend but no stack", async () => {
    expect(await end("cannot")).toEqual({
      code: 3,
      stdout: "",
      stderr: "error: cannot x\n  why:  EPERM\n  mend: be root\n",
    });
  });

  test("1 for a defect, with its stack and a plea to report it", async () => {
    const said = await end("defect");
    expect(said).toMatchObject({ code: 1, stdout: "" });
    expect(said.stderr).toMatch(/^error: a defect in komon [\d.]+: nobody thought of this\n/);
    expect(said.stderr).toContain("please report it");
    expect(said.stderr).toContain("command.ts:");
  });
});

describe("signals", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s ends a command the ordinary way",
    async (signal) => {
      const child = await waiting("wait");
      child.process.kill(signal);
      expect(await child.rest()).toEqual({ code: 0, stdout: `stopped by ${signal}\n`, stderr: "" });
    },
  );

  test("a second signal ends it at once with 130", async () => {
    const child = await waiting("hang");
    child.process.kill("SIGINT");
    expect(await child.line()).toBe("hanging");
    child.process.kill("SIGINT");
    expect((await child.rest()).code).toBe(130);
  });

  test("a hang-up that the caller ignores is ignored, as under nohup", async () => {
    const child = await waiting("wait", ["bash", "-c", 'trap "" HUP; exec "$@"', "bash"]);
    child.process.kill("SIGHUP");
    child.process.kill("SIGTERM");
    expect((await child.rest()).stdout).toBe("stopped by SIGTERM\n");
  });
});

describe("stdout", () => {
  test("whose reader has gone stops the command quietly", async () => {
    const said = await bash('set -o pipefail; "$@" flood | head -n 1');
    expect(said).toEqual({ code: 0, stdout: "line 0\n", stderr: "stop: stdout closed\n" });
  });

  test("that is a pipe gets all there is before the end", async () => {
    const said = await end("flood", "--lines", "50000");
    expect(said.stdout.split("\n")).toHaveLength(50_001);
    expect(said.stdout).toEndWith("line 49999\n");
  });

  test("on a full disk is an error that says so", async () => {
    expect(await bash('"$@" flood > /dev/full')).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: cannot write to stdout\n  why:  ENOSPC\n",
    });
  });
});

/** The fixture, started and ready for signals. */
async function waiting(way: string, before: readonly string[] = []) {
  const child = Bun.spawn([...before, ...fixture, way], {
    cwd: top,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream() as never).getReader();
  let text = "";
  const read = async () => {
    const { value, done } = await lines.read();
    if (!done) text += value;
    return !done;
  };
  const line = async () => {
    while (!text.includes("\n") && (await read()));
    const at = text.indexOf("\n");
    const first = text.slice(0, at);
    text = text.slice(at + 1);
    return first;
  };
  const rest = async (): Promise<Said> => {
    while (await read());
    const stderr = await child.stderr.text();
    return { code: await child.exited, stdout: text, stderr };
  };
  expect(await line()).toBe("ready");
  return { process: child, line, rest };
}
