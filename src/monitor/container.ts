import { Exit, KomonError } from "../base/errors.ts";

/** How each tool is asked for the first process of a container; it prints a PID. */
const tools: readonly (readonly [name: string, ...words: string[]])[] = [
  ["docker", "inspect", "--format", "{{.State.Pid}}"],
  ["podman", "inspect", "--format", "{{.State.Pid}}"],
  ["nerdctl", "inspect", "--format", "{{.State.Pid}}"],
  ["lxc-info", "-p", "-H", "-n"],
  ["machinectl", "show", "--property", "Leader", "--value"],
];

/** The first process of a running container, asked of whatever container tool this host has. */
export function containerPid(container: string): number {
  const here = tools.filter(([tool]) => Bun.which(tool) !== null);
  if (here.length === 0) {
    throw new KomonError({
      what: `cannot find the container ${JSON.stringify(container)}`,
      why: `none of ${tools.map(([tool]) => tool).join(", ")} is on this host's PATH`,
      mend: "give the PID of its VNF with --pid, or its cgroup with --cgroup",
    });
  }
  for (const command of here) {
    const { stdout, exitCode } = Bun.spawnSync([...command, container], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const pid = Number(stdout.toString().trim());
    if (exitCode === 0 && Number.isInteger(pid) && pid > 0) return pid;
  }
  throw new KomonError({
    what: `there is no running container ${JSON.stringify(container)}`,
    why: `${here.map(([tool]) => tool).join(", ")} ${here.length > 1 ? "know" : "knows"} none of that name`,
    mend: `\`${here[0][0]} ps\` lists them`,
    exit: Exit.usage,
  });
}
